/** How an answer says that it is to be saved, and under which name (RFC 6266): names of people's files are any text. */

/** Characters that are plain in an extended value (RFC 8187, attr-char). */
const PLAIN = /[A-Za-z0-9!#$&+.^_`|~-]/
/** Control characters, what divides paths, and marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\\/:*?"<>|\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
/** File systems take no longer ones. */
const NAME_MAX = 255
/** Names that Windows takes for devices, whatever their ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** The name as it can be shown and saved anywhere: one part of a path, at most 255 characters; `file` where nothing is left. */
export function safeFilename(name: string): string {
  const plain = name.toWellFormed().replaceAll(UNSAFE, '').trim().replace(/^\.+/, '').trim()
  const cut = [...plain].slice(0, NAME_MAX).join('')
  if (cut === '') return 'file'
  return DEVICE.test(cut) ? `_${cut}`.slice(0, NAME_MAX) : cut
}

/** `attachment` with the name, for browsers of today (`filename*`) and for those that know ASCII alone. */
export function attachment(name: string): string {
  const safe = safeFilename(name)
  const ascii = safe.replaceAll(/[^\x20-\x7e]|[%\\"]/g, '_')
  const encoded = [...Buffer.from(safe)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return byte < 0x80 && PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
