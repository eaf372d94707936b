/**
 * Takes the sources out of an input. Several names may mean one source; two of them with the same value are fine, with different ones
 * they contradict each other. Pure: what a source is, others find out.
 */
import type { Adjustment, MediaTask } from '../../../events/killatamata/media.ts'
import { Rejected } from '../rejection.ts'
import { type Given, type Json, noting, unfit } from './plan.ts'
import { type SourceField, type SourceKind, taskRules } from './tasks.ts'

/** As callers give it: an address, or bytes in base64. */
export type SourceGiven =
  | string
  | { url?: string | undefined; dataBase64?: string | undefined; mimeType?: string | undefined }

export interface AskedSource {
  field: string
  index: number
  kind: SourceKind
  given: { url: string } | { dataBase64: string; mimeType: string | undefined }
}

export interface ReadInput {
  given: Given
  sources: AskedSource[]
  adjustments: Adjustment[]
}

/** How the same thing is called by other names: `.png`, `image/jpg`. */
const MIME_ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'audio/mp3': 'audio/mpeg',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
}

/** Throws Rejected: conflicting_inputs, media_input_invalid. */
export function readInput(task: MediaTask, input: Readonly<Record<string, unknown>>): ReadInput {
  const notes = noting()
  const rest: Record<string, Json | undefined> = { ...(input as Given) }
  const sources: AskedSource[] = []
  for (const of of taskRules[task].sources) {
    const names = [of.field, ...of.aliases]
    const given = names.filter((name) => input[name] !== undefined).map((name) => ({ name, value: input[name] }))
    for (const name of names) delete rest[name]
    const values = of.isList ? joined(of, given) : single(given)
    for (const [index, value] of values.entries()) sources.push(read(of, index, value, notes))
    if (of.isRequired && values.length === 0) throw unfit(of.field, `Send ${of.field}.`)
  }
  const format = rest.outputFormat
  if (typeof format === 'string' && format.startsWith('.')) {
    rest.outputFormat = format.slice(1)
    notes.note('outputFormat', format, rest.outputFormat, 'normalized_alias')
  }
  return { given: rest, sources, adjustments: notes.adjustments }
}

interface Named {
  name: string
  value: unknown
}

function joined({ field, max }: SourceField, given: readonly Named[]): SourceGiven[] {
  const all = given.flatMap(({ value }) => value as SourceGiven[])
  if (max !== undefined && all.length > max) throw unfit(field, `At most ${max} are taken, all names together.`)
  return all
}

/** The address of a source counts, whether it stands alone or in an object. */
const sameAs = (value: unknown): string => {
  const { url } = (value ?? {}) as { url?: string }
  return JSON.stringify(url ?? value)
}

function single(given: readonly Named[]): SourceGiven[] {
  const [first, ...others] = given
  if (!first) return []
  const other = others.find(({ value }) => sameAs(value) !== sameAs(first.value))
  if (other) {
    const detail = `${first.name} and ${other.name} mean the same, and have different values.`
    throw new Rejected('conflicting_inputs', detail, `/input/${other.name}`)
  }
  return [first.value as SourceGiven]
}

function read(
  { field, kind }: SourceField,
  index: number,
  value: SourceGiven,
  { note }: ReturnType<typeof noting>,
): AskedSource {
  if (typeof value === 'string') return { field, index, kind, given: { url: value } }
  const { url, dataBase64, mimeType } = value
  if (url !== undefined && dataBase64 === undefined) return { field, index, kind, given: { url } }
  if (url !== undefined || dataBase64 === undefined) throw unfit(field, 'Send either url or dataBase64.')
  const plain = mimeType === undefined ? undefined : (MIME_ALIASES[mimeType] ?? mimeType)
  note(`${field}.mimeType`, mimeType, plain, 'normalized_alias')
  return { field, index, kind, given: { dataBase64, mimeType: plain } }
}
