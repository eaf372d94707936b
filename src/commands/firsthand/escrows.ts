/**
 * What is held for jobs that have not ended. A wallet may hold for ten thousand jobs, and each change makes a new state; so
 * the jobs stand in parts by the last character of their ids, and a change copies one of 32 parts.
 */
import type { LotPart } from '../../events/firsthand/wallet.ts'

export interface Escrow {
  amount: bigint
  /** Of a file. */
  price: bigint
  /** In the order in which they were taken. */
  parts: readonly LotPart[]
}

export type Escrows = Readonly<Record<string, ReadonlyMap<string, Escrow>>>

export const NO_ESCROWS: Escrows = {}

const partOf = (jobId: string): string => jobId.slice(-1)

export const escrowOf = (escrows: Escrows, jobId: string): Escrow | undefined => escrows[partOf(jobId)]?.get(jobId)

/** Undefined: no more. */
export function withEscrow(escrows: Escrows, jobId: string, escrow: Escrow | undefined): Escrows {
  const part = new Map(escrows[partOf(jobId)])
  if (escrow) part.set(jobId, escrow)
  else part.delete(jobId)
  return { ...escrows, [partOf(jobId)]: part }
}
