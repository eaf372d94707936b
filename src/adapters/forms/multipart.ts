/** Forms with files (multipart/form-data): each file goes to the disk as it comes, and is hashed on its way. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyFileStream } from '@fastify/busboy'
import { refuse } from '../object-store/disk-files.ts'
import { hashing } from '../object-store/hashing.ts'
import { ObjectStoreUnavailable } from '../object-store/object-store.ts'

export interface FormShape {
  /** Name → the most bytes of its text. */
  fields: Readonly<Record<string, number>>
  /** Name → the most bytes of the file. */
  files: Readonly<Record<string, number>>
}

export interface ReceivedFile {
  path: string
  sizeBytes: number
  sha256: string
}

export interface ReceivedForm {
  fields: Readonly<Record<string, string>>
  files: Readonly<Record<string, ReceivedFile>>
}

/** `part`: the name of what is at fault; undefined: the form itself. */
export class FormRefused extends Error {
  override name = 'FormRefused'
  readonly reason: 'malformed' | 'too_large'
  readonly part: string | undefined
  constructor(reason: FormRefused['reason'], part: string | undefined, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.reason = reason
    this.part = part
  }
}

/** Parts beyond those that are known, which are read and dropped. */
const OTHER_PARTS_MAX = 8
const HEADER_PAIRS_MAX = 20
/** Of a form that is refused: what is sent beyond it is cut off. */
const DRAINED_MAX_BYTES = 16_777_216
const HEADER_MAX_BYTES = 8_192
const PRIVATE_FILE = 0o600

/**
 * Reads a form; files lie in `directory`, under names of ours. Throws FormRefused, and what `body` throws. What was written stays there
 * until the caller removes the directory.
 */
export async function receiveForm(
  contentType: string,
  body: AsyncIterable<Uint8Array>,
  shape: FormShape,
  directory: string,
): Promise<ReceivedForm> {
  const fields: Record<string, string> = Object.create(null)
  const files: Record<string, ReceivedFile> = Object.create(null)
  const writing: Promise<void>[] = []
  const open: BusboyFileStream[] = []
  const busboy = openParser(contentType, shape)
  const source = body[Symbol.asyncIterator]()
  const stop = (error: Error) => void busboy.destroy(error)
  const takeName = (name: string) => {
    if (name in fields || name in files) stop(new FormRefused('malformed', name, 'A part comes twice.'))
  }
  busboy.on('field', (name, value, _, isCut) => {
    const maxBytes = shape.fields[name]
    if (maxBytes === undefined) return
    takeName(name)
    if (isCut || Buffer.byteLength(value) > maxBytes) {
      return stop(new FormRefused('too_large', name, `It has at most ${maxBytes} bytes.`))
    }
    fields[name] = value
  })
  busboy.on('file', (name, stream) => {
    const maxBytes = shape.files[name]
    if (maxBytes === undefined) return void stream.resume()
    takeName(name)
    const file = { path: join(directory, name), sizeBytes: 0, sha256: '' }
    files[name] = file
    const written = write(stream, file, maxBytes, name)
    written.catch(stop)
    writing.push(written)
    open.push(stream)
  })
  busboy.on('partsLimit', () => stop(new FormRefused('malformed', undefined, 'The form has too many parts.')))
  try {
    // What waits between two reads of eight uploads would outlive many a collection.
    await pipeline(Readable.from(buffersOf(source), { highWaterMark: 1 }), busboy)
    await Promise.all(writing)
  } catch (error) {
    // The parser leaves a file that it has begun as it is.
    for (const stream of open) stream.destroy(error instanceof Error ? error : undefined)
    await Promise.allSettled(writing)
    if (error instanceof FormRefused || error instanceof ObjectStoreUnavailable) await drain(source)
    throw isOfParser(error)
      ? new FormRefused('malformed', undefined, 'The form is not complete.', { cause: error })
      : error
  }
  return { fields, files }
}

const PARSER_FAULTS = /unexpected end of|terminated early|^Malformed|^Multipart: /i
const isOfParser = (error: unknown): boolean => error instanceof Error && PARSER_FAULTS.test(error.message)

function openParser(contentType: string, { fields, files }: FormShape): Busboy {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      isPartAFile: (name) => name !== undefined && name in files,
      limits: {
        fieldSize: Math.max(...Object.values(fields)) + 1,
        fields: Object.keys(fields).length + OTHER_PARTS_MAX,
        files: Object.keys(files).length + OTHER_PARTS_MAX,
        parts: Object.keys(fields).length + Object.keys(files).length + OTHER_PARTS_MAX,
        fileSize: Math.max(...Object.values(files)) + 1,
        ...{ headerPairs: HEADER_PAIRS_MAX, headerSize: HEADER_MAX_BYTES },
      },
    })
  } catch (error) {
    throw new FormRefused('malformed', undefined, 'The form says no boundary of its parts.', { cause: error })
  }
}

async function* buffersOf(source: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  for (let next = await source.next(); !next.done; next = await source.next()) {
    const { buffer, byteOffset, byteLength } = next.value
    yield Buffer.from(buffer, byteOffset, byteLength)
  }
}

/** Reads a little more of what is refused: a client that still sends does not see an answer. */
async function drain(source: AsyncIterator<Uint8Array>): Promise<void> {
  let sizeBytes = 0
  for (let next = await source.next(); !next.done; next = await source.next()) {
    sizeBytes += next.value.byteLength
    if (sizeBytes > DRAINED_MAX_BYTES) return
  }
}

async function write(stream: BusboyFileStream, file: ReceivedFile, maxBytes: number, name: string): Promise<void> {
  const digest = createHash('sha256')
  const bounded = async function* (source: AsyncIterable<Uint8Array>) {
    for await (const chunk of hashing(source, digest)) {
      file.sizeBytes += chunk.byteLength
      if (file.sizeBytes > maxBytes) throw new FormRefused('too_large', name, `It has at most ${maxBytes} bytes.`)
      yield chunk
    }
  }
  await pipeline(stream, bounded, createWriteStream(file.path, { flags: 'wx', mode: PRIVATE_FILE })).catch(refuse)
  file.sha256 = digest.digest('hex')
}
