/**
 * What a task makes of its input: the input with every default filled in, what of it runs differently from what was asked, and what it
 * costs. It is made twice where sources come from elsewhere: when the job is asked for, and when they have been fetched; the second
 * time of the first one's effective input.
 */
import type { Adjustment, Measures, MediaTask } from '../../../events/killatamata/media.ts'
import { Rejected } from '../rejection.ts'
import type { Bill } from './prices.ts'

export type Json = NonNullable<Adjustment['effective']> | null
/** Members of an input but its sources. */
export type Given = Readonly<Record<string, Json | undefined>>

export interface Plan {
  effective: Record<string, Json>
  adjustments: Adjustment[]
  bill: Bill
  outputNames: string[]
  /** How long the work takes where nothing is known of such work, in seconds. */
  usualS: number
}

/** A source as plans see it. Without measures it comes from elsewhere, and is not here yet. */
export interface PlannedSource {
  field: string
  index: number
  measures: Measures | undefined
}

export interface Asked {
  task: MediaTask
  given: Given
  sources: readonly PlannedSource[]
}
export type Planner = (asked: Asked) => Plan

/** 400 that names the member of the input. */
export const unfit = (field: string, detail: string): Error =>
  new Rejected('media_input_invalid', detail, `/input/${field}`)

/** Gathers what runs differently. What is equal makes no entry. */
export function noting() {
  const adjustments: Adjustment[] = []
  const note = (field: string, requested: Json | undefined, effective: Json | undefined, reason: string) => {
    if (JSON.stringify(requested) === JSON.stringify(effective)) return
    adjustments.push({
      field,
      ...(requested !== undefined && { requested }),
      ...(effective !== undefined && { effective }),
      reason,
    })
  }
  /** The given value, or the default where the contract names none. */
  const orDefault = <T extends Json>(field: string, given: Json | undefined, fallback: T): T => {
    if (given !== undefined && given !== null) return given as T
    note(field, undefined, fallback, 'default_applied')
    return fallback
  }
  return { adjustments, note, orDefault }
}

export const sourceOf = (sources: readonly PlannedSource[], field: string): PlannedSource | undefined =>
  sources.find((source) => source.field === field)
export const sourcesOf = (sources: readonly PlannedSource[], field: string): PlannedSource[] =>
  sources.filter((source) => source.field === field).toSorted((a, b) => a.index - b.index)

export const sizeOf = (measures: Measures | undefined): { width: number; height: number } | undefined =>
  measures?.width && measures.height ? { width: measures.width, height: measures.height } : undefined

/** A number of the input; undefined where it was not given. */
export const numberIn = (given: Given, field: string): number | undefined => {
  const value = given[field]
  return typeof value === 'number' ? value : undefined
}
export const textIn = (given: Given, field: string): string | undefined => {
  const value = given[field]
  return typeof value === 'string' ? value : undefined
}

/** Width and height that were given together; undefined: neither was. */
export function explicitSize(given: Given, pixelsMax: number): { width: number; height: number } | undefined {
  const [width, height] = [numberIn(given, 'width'), numberIn(given, 'height')]
  if (width === undefined && height === undefined) return undefined
  if (width === undefined || height === undefined) {
    throw unfit(width === undefined ? 'width' : 'height', 'Send width and height together, or neither.')
  }
  if (width * height > pixelsMax) {
    throw unfit('width', `${width} × ${height} are ${width * height} pixels, and at most ${pixelsMax} are made.`)
  }
  return { width, height }
}

/** The canvas: explicit sizes win over the ratio, which falls back to the first of these. */
export function canvasOf(
  given: Given,
  { note, orDefault }: ReturnType<typeof noting>,
  canvases: Readonly<Record<string, readonly [width: number, height: number]>>,
  pixelsMax: number,
) {
  const explicit = explicitSize(given, pixelsMax)
  const asked = textIn(given, 'aspectRatio')
  const [usual = ''] = Object.keys(canvases)
  if (explicit) {
    const [width = 0, height = 0] = canvases[asked ?? ''] ?? []
    const isSame = asked === undefined || width * explicit.height === height * explicit.width
    if (!isSame) note('aspectRatio', asked, explicit, 'explicit_dimensions_take_precedence')
    return { ...explicit, aspectRatio: isSame ? (asked ?? null) : null }
  }
  const aspectRatio = orDefault('aspectRatio', asked, usual)
  const [width = 0, height = 0] = canvases[aspectRatio] ?? []
  return { width, height, aspectRatio }
}
