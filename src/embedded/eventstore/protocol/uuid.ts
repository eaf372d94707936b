/** The protocol's UUID message: text in any form that .NET reads, or two integers. */
import { invalidArgument } from './errors.ts'
import type { WireReader } from './wire.ts'

const DASHED = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const TEXT_FORMS = new RegExp(`^(?:[0-9a-f]{32}|${DASHED}|\\{${DASHED}\\}|\\(${DASHED}\\))$`, 'i')
/** Eleven hexadecimal numbers in braces, the last eight in braces of their own. */
const HEX_FORM =
  /^\{0x([0-9a-f]{1,8}),0x([0-9a-f]{1,4}),0x([0-9a-f]{1,4}),\{((?:0x[0-9a-f]{1,2},){7}0x[0-9a-f]{1,2})\}\}$/i

/** The 16 bytes of a UUID message. @throws INVALID_ARGUMENT where it holds none. */
export function readUuid(reader: WireReader): Buffer {
  while (reader.next()) {
    if (reader.field === 2) return parseUuid(reader.string())
    if (reader.field === 1) {
      const parts = reader.message()
      let most = 0n
      let least = 0n
      while (parts.next()) {
        if (parts.field === 1) most = parts.bigint()
        else if (parts.field === 2) least = parts.bigint()
        else parts.skip()
      }
      const bytes = Buffer.alloc(16)
      bytes.writeBigUInt64BE(most, 0)
      bytes.writeBigUInt64BE(least, 8)
      return bytes
    }
    reader.skip()
  }
  throw invalidArgument('a UUID is missing')
}

/** @throws INVALID_ARGUMENT where the text is not a UUID. */
export function parseUuid(text: string): Buffer {
  const trimmed = text.trim()
  if (TEXT_FORMS.test(trimmed)) return Buffer.from(trimmed.replaceAll(/[-{}()]/g, ''), 'hex')
  const parts = HEX_FORM.exec(trimmed)
  if (!parts) throw invalidArgument(`'${text.slice(0, 64)}' is not a UUID`)
  const last = parts[4]!.split(',').map((each) => each.slice(2).padStart(2, '0'))
  const hex = [parts[1]!.padStart(8, '0'), parts[2]!.padStart(4, '0'), parts[3]!.padStart(4, '0'), ...last]
  return Buffer.from(hex.join(''), 'hex')
}
