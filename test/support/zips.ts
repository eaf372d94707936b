/** Archives (zip), good and hostile: every field of them can say what is not so. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZippedFile {
  name: string | Uint8Array
  data?: Uint8Array
  /** Stored as it is. */
  isStored?: boolean
  /** Of Unix, with the kind of the file: 0o120777 is a link. */
  mode?: number
  /** General purpose flags; 1: encrypted. */
  flags?: number
  method?: number
  /** What the archive says of it. */
  says?: { sizeBytes?: number; packedBytes?: number; crc?: number }
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const UTF8_NAMES = 0x800
const MADE_BY_UNIX = 0x031e

function bytesOf(fields: readonly (readonly [size: 2 | 4, value: number])[]): Buffer {
  const bytes = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0))
  let at = 0
  for (const [size, value] of fields) {
    if (size === 2) bytes.writeUInt16LE(value & 0xffff, at)
    else bytes.writeUInt32LE(value >>> 0, at)
    at += size
  }
  return bytes
}

/** The archive of these files. `entryCount`: how many it says that there are. */
export function zipOf(files: readonly ZippedFile[], { entryCount = files.length } = {}): Buffer {
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const file of files) {
    const name = Buffer.from(file.name)
    const data = file.data ?? new Uint8Array()
    const method = file.method ?? (file.isStored ? 0 : 8)
    const packed = method === 8 ? deflateRawSync(data) : Buffer.from(data)
    const { sizeBytes = data.byteLength, packedBytes = packed.byteLength, crc = crc32(data) } = file.says ?? {}
    const common: [2 | 4, number][] = [
      ...([
        [2, (file.flags ?? 0) | UTF8_NAMES],
        [2, method],
        [2, 0],
        [2, 0x21],
      ] as [2 | 4, number][]),
      ...([
        [4, crc],
        [4, packedBytes],
        [4, sizeBytes],
        [2, name.byteLength],
        [2, 0],
      ] as [2 | 4, number][]),
    ]
    const local = Buffer.concat([bytesOf([[4, LOCAL], [2, 20], ...common]), name, packed])
    const attributes = (file.mode ?? 0o100644) * 0x10000
    central.push(
      Buffer.concat([
        bytesOf([
          ...([
            [4, CENTRAL],
            [2, MADE_BY_UNIX],
            [2, 20],
          ] as [2 | 4, number][]),
          ...common,
          ...([
            [2, 0],
            [2, 0],
            [2, 0],
            [4, attributes],
            [4, offset],
          ] as [2 | 4, number][]),
        ]),
        name,
      ]),
    )
    parts.push(local)
    offset += local.byteLength
  }
  const directory = Buffer.concat(central)
  const end = bytesOf([
    ...([
      [4, END],
      [2, 0],
      [2, 0],
      [2, entryCount],
      [2, entryCount],
    ] as [2 | 4, number][]),
    ...([
      [4, directory.byteLength],
      [4, offset],
      [2, 0],
    ] as [2 | 4, number][]),
  ])
  return Buffer.concat([...parts, directory, end])
}

/** The smallest module that a browser takes. */
export const WASM = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
export const PCK = Buffer.concat([Buffer.from('GDPC'), Buffer.alloc(60, 1)])

export const text = (content: string): Uint8Array => new TextEncoder().encode(content)

/** A game as Godot exports it, as far as its files go. */
export const gameFiles: readonly ZippedFile[] = [
  { name: 'index.html', data: text('<!doctype html><title>Star Drift</title><script src="index.js"></script>') },
  { name: 'index.js', data: text('document.title = "played"') },
  { name: 'index.wasm', data: WASM },
  { name: 'index.pck', data: PCK },
]
