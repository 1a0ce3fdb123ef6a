/** Typed arrays in memory that every thread can read without a copy. */

export function shared8(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

export function shared16(length: number): Uint16Array {
  return new Uint16Array(new SharedArrayBuffer(length * Uint16Array.BYTES_PER_ELEMENT));
}

export function shared32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * Uint32Array.BYTES_PER_ELEMENT));
}

export function sharedFloat64(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}

/** A shared copy that is no longer than what is in it. */
export function shared<A extends Uint8Array | Uint16Array | Uint32Array>(values: A): A {
  const make = values.constructor as new (buffer: SharedArrayBuffer) => A;
  const copy = new make(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
