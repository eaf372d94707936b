/**
 * The account that pays for gas: it takes nonces in order, records each before it is used, signs, and sends what it has signed in
 * the order of the nonces. What was signed is recorded before it leaves, and a retry sends the same bytes.
 */
import { addressOfKey, signTransaction } from '../../adapters/chain/account.ts'
import type { Address } from '../../adapters/chain/address.ts'
import type { Hex } from '../../adapters/chain/node.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type SponsorState, sponsor, sponsorIdOf } from '../../commands/ostium/sponsor.ts'
import type { ContextOf } from './causes.ts'
import type { Market } from './market.ts'

/** What a transaction does and offers, without its nonce. */
export interface Offer {
  to: Address
  data: Hex
  gas: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

export interface SignedTransaction {
  nonce: number
  hash: Hex
  raw: Hex
}

export interface SponsorAccount {
  address: Address
  /** What the log says of its nonces, now. */
  state(): Promise<SponsorState>
  /** The nonce of an action: that which it has, or the next one. Rejects where another process was faster, or it is not known. */
  nonceFor(action: { actionId: string; trader: string }): Promise<number>
  sign(nonce: number, offer: Offer): Promise<SignedTransaction>
  /** Records that an empty transfer takes the place of the nonce's action, and answers it. */
  fill(action: { actionId: string; trader: string; nonce: number }): Promise<SignedTransaction>
}

const TRANSFER_GAS = 21_000n

export interface SponsorOptions {
  bus: CommandBus
  market: Market
  key: Hex
  now: () => Date
  /** Fees of now, within bounds. */
  fees: () => Promise<Pick<Offer, 'maxFeePerGas' | 'maxPriorityFeePerGas'>>
  contextOf: ContextOf
}

export function createSponsorAccount({ bus, market, key, now, fees, contextOf }: SponsorOptions): SponsorAccount {
  const { chainId, client } = market
  const address = addressOfKey(key)
  const id = sponsorIdOf(chainId, address)
  /** Undefined: to be looked up, since it is not known what was taken last. */
  let next: { nonce: number; chainNonce: number } | undefined
  let looking: Promise<{ nonce: number; chainNonce: number }> | undefined

  const state = () => bus.current(sponsor, id)

  async function look(): Promise<{ nonce: number; chainNonce: number }> {
    const [{ next: recorded }, latest, pending] = await Promise.all([
      state(),
      client.nonceOf(address, 'latest'),
      client.nonceOf(address, 'pending'),
    ])
    // What waits in the node's pool at the very beginning is somebody else's; later it is ours.
    const chainNonce = recorded === undefined ? pending : latest
    return { nonce: Math.max(recorded ?? 0, chainNonce), chainNonce }
  }

  async function nextNonce(): Promise<{ nonce: number; chainNonce: number }> {
    if (!next) {
      looking ??= look().finally(() => {
        looking = undefined
      })
      const found = await looking
      next ??= found
    }
    const taken = next
    next = { ...taken, nonce: taken.nonce + 1 }
    return taken
  }

  const sign = async (nonce: number, offer: Offer): Promise<SignedTransaction> => {
    const { raw, hash } = await signTransaction(key, { chainId, nonce, ...offer })
    return { nonce, raw, hash }
  }
  const context = async (purpose: string, actionId: string) => {
    const at = now().toISOString()
    return { at, context: await contextOf(actionId, deterministicId(purpose, actionId), at) }
  }

  return {
    address,
    state,
    sign,
    async nonceFor({ actionId, trader }) {
      const known = (await bus.load(sponsor, id)).taken.find((each) => each.actionId === actionId && !each.isFilled)
      if (known) return known.nonce
      const { nonce, chainNonce } = await nextNonce()
      try {
        const { at, context: of } = await context('ostium nonce', actionId)
        const taking = { kind: 'take', chainId, sponsor: address, trader, actionId, nonce, chainNonce, at } as const
        await bus.handle(sponsor, id, taking, of)
        return nonce
      } catch (error) {
        next = undefined
        throw error
      }
    },
    async fill({ actionId, trader, nonce }) {
      const offer = { to: address, data: '0x' as Hex, gas: TRANSFER_GAS, ...(await fees()) }
      const signed = await sign(nonce, offer)
      const { at, context: of } = await context('ostium fill', actionId)
      const filling = {
        kind: 'fill',
        chainId,
        sponsor: address,
        trader,
        actionId,
        nonce,
        txHash: signed.hash,
        at,
      } as const
      await bus.handle(sponsor, id, filling, of)
      return signed
    },
  }
}
