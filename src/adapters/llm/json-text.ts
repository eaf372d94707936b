/** JSON that is written with parts of another text in it, as they stand there: what is not understood is not changed. */
import { JsonValue } from './json-value.ts'

/** Text that is JSON already. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
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

export function writeJson(value: Writable): string {
  if (value instanceof JsonValue) return value.source
  if (value instanceof JsonText) return value.text
  if (Array.isArray(value)) return `[${value.map(writeJson).join()}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value as Record<string, Writable>).filter(([, member]) => member !== undefined)
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${writeJson(member)}`).join()}}`
  }
  return JSON.stringify(value ?? null)
}
