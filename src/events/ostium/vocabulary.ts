/** What ostium's events have in common: addresses as they were handed out, amounts as whole units in text. */
import { z } from 'zod'

/** An address of the chain with its checksum (EIP-55). */
export const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
/** Bytes, in lower case. */
export const bytes = z.string().regex(/^0x(?:[0-9a-f]{2})*$/)
/** A hash of 32 bytes: of a transaction, a block or a message. */
export const hash32 = z.string().regex(/^0x[0-9a-f]{64}$/)
/** An unsigned number in decimal digits: wei, units of USDC, a block. */
export const digits = z.string().regex(/^\d+$/)
export const time = z.iso.datetime()
export const uuid = z.uuid()

/** Every event names the chain and the trader that it is about. */
export const ofTrader = { chainId: z.int().positive(), trader: address, occurredAt: time }

/** What a trader is asked to sign and send. */
export const transaction = z.object({ to: address, data: bytes, value: digits, from: address })
export type Transaction = z.infer<typeof transaction>

export const operation = z.enum(['open', 'close', 'cancel', 'modify', 'margin'])
/** What is done on exchange. */
export type Operation = z.infer<typeof operation>

export const channel = z.enum(['http', 'ws'])
/** The way by which a request came. */
export type Channel = z.infer<typeof channel>

/** Why the chain undid something: the contract's error with its arguments; `name` null: it said nothing, or no error that is known. */
export const revert = z.object({ name: z.string().nullable(), args: z.array(z.string()), text: z.string() })
export type RevertFacts = z.infer<typeof revert>
