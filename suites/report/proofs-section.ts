// Who lied, and how anybody can tell: what each signed, side by side, and who heard it.

import type { Proof, ProofStatement } from "../../checker/forensics/contradictions.js";
import type { Verdict } from "../../checker/verdict.js";
import { counted, shortDigest } from "./format.js";
import { type Fragment, type Html, html } from "./html.js";

/** Nothing where nobody is proved to have lied. */
export function proofsSection(verdict: Verdict): Html {
  const proofs = Object.values(verdict.checks).flatMap(({ proved = [] }) => proved);
  if (proofs.length === 0) return html``;
  const liars = new Set(proofs.map(({ replica }) => replica));
  return html`<section aria-labelledby="proofs"><h2 id="proofs">Proof of who lied</h2>
<p class="quiet">${counted(proofs.length, "proof")} against ${[...liars].join(", ")}. Each statement is signed with
Ed25519 over the bytes shown; whoever has the replica's public key can verify it. The keys are in cluster.json of every replica.</p>
${proofs.map(proofTable)}
</section>`;
}

function proofTable({ replica, deed, signingKey, statements }: Proof): Html {
  const row = (head: string, cell: (statement: ProofStatement) => Fragment): Html =>
    html`<tr><th scope="row">${head}</th>${statements.map((each) => html`<td>${cell(each)}</td>`)}</tr>
`;
  const code = (text: string): Html => html`<code title="${text}">${shortDigest(text)}</code>`;
  return html`<h3>${replica}: ${deed}</h3>
<p class="quiet">Public key <code>${signingKey}</code></p>
<div class="scroll" tabindex="0" role="region" aria-label="${replica}: ${deed}"><table class="side-by-side">
<tbody>${row("Kind", ({ kind }) => kind)}${row("Digest", ({ digest }) => code(digest))}${row("Signed bytes", ({ bytes }) => html`<code>${bytes}</code>`)}${row("Signature", ({ signature }) => html`<code>${signature}</code>`)}${row("Heard by", ({ heardBy }) => heardBy.join(", "))}</tbody></table></div>`;
}
