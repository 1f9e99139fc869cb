// What replicas sign, read from the very bytes that the signature covers. Written from the description of the
// format alone, so that a mistake of the system's own codec is not made twice:
//
//   cluster (8 bytes), kind (1), and then, integers in 8 bytes, big-endian,
//     pre-prepare 3:               view, seq, digest (32)
//     prepare 4, commit 5:         view, seq, digest, replica (1)
//     checkpoint 6:                seq, digest, replica
//     view-change 7, new-view 8:   view, replica, digest of all that it carries

export type StatementKind =
  | "pre-prepare"
  | "prepare"
  | "commit"
  | "checkpoint"
  | "view-change"
  | "new-view";

export type Content = {
  /** 16 hexadecimal characters. */
  cluster: string;
  kind: StatementKind;
  /** Absent of a checkpoint. */
  view?: number;
  /** Absent of a view-change and a new-view. */
  seq?: number;
  /** Of the batch, of the state, or of all that a view-change or new-view carries; hexadecimal. */
  digest: string;
  /** Who speaks; absent of a pre-prepare, which is its view's primary's. */
  replica?: number;
};

const CLUSTER_BYTES = 8;
const DIGEST_BYTES = 32;
const HEAD_BYTES = CLUSTER_BYTES + 1;

/** Undefined where the bytes are none of these, to the last byte. */
export function decodeStatement(bytes: Buffer): Content | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const cluster = bytes.toString("hex", 0, CLUSTER_BYTES);
  const integer = (at: number) => Number(bytes.readBigUInt64BE(at));
  const digest = (at: number) => bytes.toString("hex", at, at + DIGEST_BYTES);
  const tag = bytes[CLUSTER_BYTES];
  let content: Content;
  switch (tag) {
    case 3:
      if (bytes.length !== 57) return undefined;
      content = {
        cluster,
        kind: "pre-prepare",
        view: integer(9),
        seq: integer(17),
        digest: digest(25),
      };
      break;
    case 4:
    case 5: {
      if (bytes.length !== 58) return undefined;
      const kind = tag === 4 ? "prepare" : "commit";
      const about = { view: integer(9), seq: integer(17), digest: digest(25) };
      content = { cluster, kind, ...about, replica: bytes.readUInt8(57) };
      break;
    }
    case 6:
      if (bytes.length !== 50) return undefined;
      content = {
        cluster,
        kind: "checkpoint",
        seq: integer(9),
        digest: digest(17),
        replica: bytes.readUInt8(49),
      };
      break;
    case 7:
    case 8: {
      if (bytes.length !== 50) return undefined;
      const kind = tag === 7 ? "view-change" : "new-view";
      content = {
        cluster,
        kind,
        view: integer(9),
        replica: bytes.readUInt8(17),
        digest: digest(18),
      };
      break;
    }
    default:
      return undefined;
  }
  const isSafe = [content.view, content.seq].every((each = 0) => Number.isSafeInteger(each));
  return isSafe ? content : undefined;
}
