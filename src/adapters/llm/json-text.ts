/**
 * JSON that is written with parts of another text in it, as they stand there: what is not understood is not changed, and what is
 * long is not copied.
 */
import { JsonValue } from './json-value.ts'

/** Text that is JSON already, in pieces one after the other. */
export class JsonText {
  readonly pieces: readonly (string | Buffer)[]
  constructor(...pieces: (string | Buffer)[]) {
    this.pieces = pieces
  }
}

/** Members that are undefined are left out. */
export type Writable =
  | undefined
  | null
  | boolean
  | number
  | string
  | JsonValue
  | JsonText
  | readonly Writable[]
  | { readonly [key: string]: Writable }

/** Bytes up to this number are copied, since many small writes cost more. */
const COPY_BYTES = 16_384

/** The value as JSON, in pieces one after the other. */
export function writeJson(value: Writable): Buffer[] {
  const pieces: Buffer[] = []
  let text: string[] = []
  const flush = () => {
    if (text.length > 0) pieces.push(Buffer.from(text.join('')))
    text = []
  }
  const add = (part: string | Buffer) => {
    if (typeof part === 'string') text.push(part)
    else if (part.length <= COPY_BYTES) text.push(part.toString('utf8'))
    else {
      flush()
      pieces.push(part)
    }
  }
  write(value, add)
  flush()
  return pieces
}

function write(value: Writable, add: (part: string | Buffer) => void): void {
  if (value instanceof JsonValue) add(value.raw)
  else if (value instanceof JsonText) for (const piece of value.pieces) add(piece)
  else if (Array.isArray(value)) {
    add('[')
    for (const [index, item] of value.entries()) {
      if (index > 0) add(',')
      write(item, add)
    }
    add(']')
  } else if (typeof value === 'object' && value !== null) {
    let opening = '{'
    for (const [key, member] of Object.entries(value as Record<string, Writable>)) {
      if (member === undefined) continue
      add(`${opening}${JSON.stringify(key)}:`)
      write(member, add)
      opening = ','
    }
    add(opening === '{' ? '{}' : '}')
  } else add(JSON.stringify(value ?? null))
}
