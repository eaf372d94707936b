/** What is held for jobs that have not ended. */
import type { LotPart } from '../../events/firsthand/wallet.ts'
import { PartedMap } from '../../runtime/parted-map.ts'

export interface Escrow {
  amount: bigint
  /** Of a file. */
  price: bigint
  /** In the order in which they were taken. */
  parts: readonly LotPart[]
}

/** By the id of the job. */
export type Escrows = PartedMap<Escrow>

export const NO_ESCROWS: Escrows = new PartedMap()
