/**
 * Bytes to and from the scripts: requests packed one after the other into one argument, and answers
 * out of one reply, as Lua's `struct` reads and writes them. One big argument a call is what makes
 * a call with two hundred requests in it cheap for the client, for Node and for Redis.
 */

const START_SIZE = 16_384;
/**
 * Longer strings are written by Node's native encoder; for shorter ones the way there is longer.
 */
const SHORT = 64;

/** Packs requests; made once, used again and again. */
export class Packer {
  #bytes = Buffer.allocUnsafe(START_SIZE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** Two bytes, without sign. */
  short(value: number): void {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
  }

  number(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** A string under a length of one byte. */
  name(text: string): void {
    const at = this.#length;
    this.#length += 1;
    const length = this.#write(text);
    this.#bytes[at] = length;
  }

  /** A string under a length of two bytes. */
  text(text: string): void {
    const at = this.#length;
    this.#length += 2;
    const length = this.#write(text);
    this.#bytes.writeUInt16LE(length, at);
  }

  /** A string under a length of four bytes. */
  longText(text: string): void {
    const at = this.#length;
    this.#length += 4;
    const length = this.#write(text);
    this.#bytes.writeUInt32LE(length, at);
  }

  /** What was packed, as a copy; the packer is empty then. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  /** @returns how many bytes it took */
  #write(text: string): number {
    const { length } = text;
    this.#room(length * 3);
    const start = this.#length;
    const bytes = this.#bytes;
    if (length <= SHORT) {
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        bytes[start + index] = code;
      }
      if (index === length) {
        this.#length = start + length;
        return length;
      }
    }
    const written = bytes.write(text, start, 'utf8');
    this.#length = start + written;
    return written;
  }

  /** Also makes room for the length that goes before a string. */
  #room(bytes: number): void {
    if (this.#length + bytes + 4 <= this.#bytes.length) return;
    const bigger = Buffer.allocUnsafe((this.#bytes.length + bytes) * 2);
    this.#bytes.copy(bigger, 0, 0, this.#length);
    this.#bytes = bigger;
  }
}

/** Reads one reply from its beginning to its end. */
export class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError('the reply ends too early');
    this.#at += 1;
    return value;
  }

  short(): number {
    const value = this.#bytes.readUInt16LE(this.#at);
    this.#at += 2;
    return value;
  }

  long(): number {
    const value = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** A string under a length of two bytes. */
  text(): string {
    return this.#read(this.short());
  }

  /** A string under a length of four bytes. */
  longText(): string {
    return this.#read(this.long());
  }

  /** Steps over bytes that nobody wants to read. */
  skip(bytes: number): void {
    this.#at += bytes;
  }

  #read(length: number): string {
    if (length === 0) return '';
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('the reply ends too early');
    return this.#bytes.toString('utf8', start, this.#at);
  }
}
