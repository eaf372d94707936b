/** Packages of credit, from presets/killatamata/packages.json, the cheapest first. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { microsOfCents } from './money.ts'

const schema = z.array(
  z.strictObject({ code: z.string().min(1), name: z.string().min(1), usdCents: z.int().positive() }),
)
export type CreditPackage = z.infer<typeof schema>[number]

const FILE = new URL('../../../presets/killatamata/packages.json', import.meta.url)

export const packages: readonly CreditPackage[] = schema
  .parse(JSON.parse(readFileSync(FILE, 'utf8')))
  .toSorted((a, b) => a.usdCents - b.usdCents)

/** In micro-dollars: one dollar paid is one dollar of credit. */
export const creditOf = ({ usdCents }: Pick<CreditPackage, 'usdCents'>): bigint => microsOfCents(BigInt(usdCents))
