// A tar archive of plain files, in memory. Source: POSIX.1-2017, pax, "ustar Interchange Format".

export type TarEntry = {
  /** With "/" between its parts. */
  name: string;
  content: Uint8Array;
  /** Absent: 0644. */
  mode?: number;
};

const BLOCK_BYTES = 512;

/** Folders are made by whoever unpacks; all belongs to root. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, content, mode = 0o644 }) => [
    header(name, content.length, mode),
    content,
    Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function header(path: string, bytes: number, mode: number): Buffer {
  const { prefix, name } = split(path);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  block.write(name, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108); // uid
  block.write(octal(0, 7), 116); // gid
  block.write(octal(bytes, 11), 124);
  block.write(octal(0, 11), 136); // mtime
  block.write(" ".repeat(8), 148); // its own checksum counts as spaces
  block.write("0", 156); // a plain file
  block.write("ustar\x0000", 257);
  block.write(prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** A long path is cut at a slash: the name has 100 bytes at most, what stands before it 155. */
function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
    const name = path.slice(cut + 1);
    const prefix = path.slice(0, cut);
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  throw new RangeError(`a path too long for a tar archive: ${path}`);
}
