/** Kinds of settings, as variables of the environment spell them. The unit stands last in a setting's name. */
import { z } from 'zod'

/** A positive integer. */
export const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)
export const milliseconds = count
export const bytes = count
/** The same where 0 has a meaning, which is not at all. */
export const orNone = (fallback: number) => z.coerce.number().int().nonnegative().default(fallback)
export const percent = (fallback: number) => z.coerce.number().int().min(1).max(100).default(fallback)
export const port = z.coerce.number().int().min(0).max(65_535)
export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((text) => text === 'true')
/** A list divided by commas; unset: `fallback`. */
export const list = <S extends z.ZodType<unknown, string>>(element: S, fallback: readonly string[]) =>
  z
    .string()
    .default(fallback.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(element).min(1))
/** More are no schedule that anybody has thought about. */
const WAITS_MAX = 20
/** Waits one after the other, divided by commas; at most 20. */
export const schedule = (fallback: readonly number[]) =>
  z
    .string()
    .default(fallback.join(','))
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().positive()).min(1).max(WAITS_MAX))
