/**
 * Points in time as RFC 3339 writes them: with small or capital T and Z, any number of digits after the second's point, and
 * leap seconds (5.6, 5.7). JavaScript's own reader knows milliseconds and no second 60.
 */

/** A point in time, exactly. */
export interface ExactTime {
  /** UTC with milliseconds, the rest cut off: `2026-03-02T08:00:00.123Z`. A leap second is the second after it here. */
  utc: string
  /** Milliseconds from 1970 to the beginning of its minute. */
  minuteMs: number
  /** 0 to 60. */
  second: number
  /** Digits after the second's point, without zeros at the end. */
  fraction: string
}

const FORM = /^(\d{4})-(\d\d)-(\d\d)t(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:z|([+-])(\d\d):(\d\d))$/i
const MINUTE_MS = 60_000
const USUAL_LENGTH = '2026-03-02T08:00:00.123Z'.length

/** The time that a text means; undefined where it is no RFC 3339 or names a day, minute or leap second that there is not. */
export function readTime(text: string): ExactTime | undefined {
  return readUsual(text) ?? readAny(text)
}

/** A time as JavaScript writes it, which most are: its own reader is some ten times as fast. */
function readUsual(text: string): ExactTime | undefined {
  if (text.length !== USUAL_LENGTH) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) return undefined
  const minuteMs = Math.floor(ms / MINUTE_MS) * MINUTE_MS
  return {
    utc: text,
    minuteMs,
    second: Math.floor((ms - minuteMs) / 1_000),
    fraction: withoutZeros(text.slice(20, 23)),
  }
}

const withoutZeros = (digits: string): string => (digits.endsWith('0') ? digits.replace(/0+$/, '') : digits)

function readAny(text: string): ExactTime | undefined {
  const parts = FORM.exec(text)
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    ...[number, number, number, number, number, number],
  ]
  const [offsetHours, offsetMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)]
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  // A day that the month does not have leads into another one.
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined
  const offsetMs = (parts[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * MINUTE_MS
  const minuteMs = local.getTime() + (hour * 60 + minute) * MINUTE_MS - offsetMs
  if (second === 60 && !isEndOfMonth(minuteMs)) return undefined
  const digits = parts[7] ?? ''
  const milliseconds = Number(digits.slice(0, 3).padEnd(3, '0'))
  const utc = new Date(minuteMs + second * 1_000 + milliseconds).toISOString()
  return { utc, minuteMs, second, fraction: withoutZeros(digits) }
}

const SECONDLESS = /^(\d{4}-\d\d-\d\dt\d\d:\d\d)(?=[z+-])/i

/**
 * Milliseconds from 1970 to a time, the rest cut off; seconds may be left out, as people and programs for charts do. NaN
 * where the text is no such time.
 */
export const timeMs = (text: string): number => Date.parse(readTime(text.replace(SECONDLESS, '$1:00'))?.utc ?? '')

/** Leap seconds come in the last minute of a month in UTC, whatever the offset. */
function isEndOfMonth(minuteMs: number): boolean {
  const next = new Date(minuteMs + MINUTE_MS)
  return next.getUTCDate() === 1 && next.getUTCHours() === 0 && next.getUTCMinutes() === 0
}

/** Negative where `a` is before `b`, positive where it is after it, 0 where they are one time: by all of their digits. */
export function compareTimes(a: ExactTime, b: ExactTime): number {
  const apart = a.minuteMs - b.minuteMs || a.second - b.second
  if (apart !== 0 || a.fraction === b.fraction) return apart
  // Digits after a point sort like text.
  return a.fraction < b.fraction ? -1 : 1
}
