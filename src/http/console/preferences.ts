/** How somebody likes to see the console: in cookies, so that the first byte of a page has it already. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { AppEnv } from '../environment.ts'

const choices = {
  theme: ['system', 'light', 'dark'],
  times: ['utc', 'local', 'ago'],
  keys: ['on', 'off'],
} as const

export type PreferenceName = keyof typeof choices
export type Preferences = { readonly [Name in PreferenceName]: (typeof choices)[Name][number] }

const names = Object.keys(choices) as PreferenceName[]
const cookieOf = (name: PreferenceName): string => `opslog_${name}`
const YEAR_S = 31_536_000

const isChoice = (name: PreferenceName, value: string | undefined): boolean =>
  (choices[name] as readonly string[]).includes(value ?? '')

/** The first of its choices is what everybody has who has chosen nothing. */
export function preferencesOf(c: Context<AppEnv>): Preferences {
  const chosen = (name: PreferenceName) => {
    const value = getCookie(c, cookieOf(name))
    return [name, isChoice(name, value) ? value : choices[name][0]]
  }
  return Object.fromEntries(names.map(chosen)) as Preferences
}

/** Remembers what a form has chosen; what it does not name stays. */
export function remember(c: Context<AppEnv>, form: URLSearchParams): void {
  for (const name of names) {
    const value = form.get(name)
    if (value === null || !isChoice(name, value)) continue
    setCookie(c, cookieOf(name), value, { path: '/console', httpOnly: true, sameSite: 'Lax', maxAge: YEAR_S })
  }
}
