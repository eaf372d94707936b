/**
 * Trading days: from a time of day to the same time of day on the next date, by the clocks of a time zone. A day on
 * which the clocks change is an hour shorter or longer. A boundary that the clocks skip falls as long after the last
 * time before the gap as it would have; one that comes twice is taken the first time.
 */

export interface TradingDay {
  /** RFC 3339 in UTC. */
  startsAt: string
  /** When the next day starts. */
  endsAt: string
}

export interface DayBoundary {
  /** IANA name: `America/New_York`. */
  timeZone: string
  /** `17:00` */
  time: string
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' } as const
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    ...numeric,
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(timeZone, format)
  return format
}

/** What the clocks show at this instant, as if they were in UTC: milliseconds since 1970. */
function wallMs(instantMs: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instantMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

const offsetMs = (instantMs: number, timeZone: string): number => {
  const wholeSecondMs = Math.floor(instantMs / 1_000) * 1_000
  return wallMs(wholeSecondMs, timeZone) - wholeSecondMs
}

/** The instant at which the clocks show this. */
function instantOf(shownMs: number, timeZone: string): number {
  const before = offsetMs(shownMs - DAY_MS, timeZone)
  const after = offsetMs(shownMs + DAY_MS, timeZone)
  const candidates = [shownMs - before, shownMs - after].filter((each) => each + offsetMs(each, timeZone) === shownMs)
  return candidates.length > 0 ? Math.min(...candidates) : shownMs - before
}

/** The trading day that an instant falls in. `at` is RFC 3339. */
export function tradingDayOf(at: string, { timeZone, time }: DayBoundary): TradingDay {
  const instantMs = Date.parse(at)
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const shown = wallMs(instantMs, timeZone)
  const date = shown - (((shown % DAY_MS) + DAY_MS) % DAY_MS)
  const startOn = (days: number) => instantOf(date + days * DAY_MS + (hours * 60 + minutes) * MINUTE_MS, timeZone)
  const day = startOn(0) <= instantMs ? 0 : -1
  return { startsAt: new Date(startOn(day)).toISOString(), endsAt: new Date(startOn(day + 1)).toISOString() }
}

/** Whether the runtime knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
