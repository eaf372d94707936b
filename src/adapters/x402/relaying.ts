/**
 * Whoever brings payments to the chain: the scheme's own library in this process, with a key that pays the gas, or a facilitator over
 * HTTP. The relayer's transactions go out one after the other, each with the number that the chain expects next, so that none waits for
 * one that was lost.
 */

import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types'
import {
  type Account,
  type Address,
  BaseError,
  type Chain,
  Eip1559FeesNotSupportedError,
  type Hash,
  NonceTooLowError,
  type PublicClient,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  type Transport,
  WaitForTransactionReceiptTimeoutError,
  type WalletClient,
} from 'viem'
import { createLru } from '../../runtime/lru.ts'

/** In which the scheme's library and a facilitator over HTTP are the same. */
interface Facilitator {
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse>
  settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse>
}

/** What the library asks several times for one payment is asked once. Payments are decided by the chain, which asks nobody. */
const REMEMBERED_MS = 1_000
const REMEMBERED_MAX = 1_000

/** Between two looks whether a transaction can still be mined, while its receipt is waited for. */
const LOOK_MS = 1_000

/** How many numbers one transaction may lose to other processes with the relayer's key. */
const NUMBERS_MAX = 10

/** Whether the node refuses a transaction since another has its number, mined or waiting. */
const isOfNumber = (error: unknown): boolean =>
  error instanceof BaseError &&
  (error.walk((each) => each instanceof NonceTooLowError) !== null || UNDERPRICED.test(error.details))
const UNDERPRICED = /replacement transaction underpriced/i

/** Answers that are good for a moment, by their question. */
function remembered<T>(ask: (question: string) => Promise<T>): (question: string) => Promise<T> {
  const known = createLru<string, Promise<T>>(REMEMBERED_MAX, { ttlMs: REMEMBERED_MS })
  return (question) => {
    const before = known.get(question)
    if (before) return before
    const answer = ask(question)
    known.set(question, answer)
    answer.catch(() => known.delete(question))
    return answer
  }
}

export interface RelayingOptions {
  reader: PublicClient<Transport, Chain>
  /** Undefined: there is no key that pays for gas. */
  relayer: WalletClient<Transport, Chain, Account> | undefined
  /** Undefined: the library sends by itself. */
  facilitatorUrl: string | undefined
  /** How long a sent transaction is waited for. */
  sendWaitMs: number
}

export function openRelaying({ reader, relayer, facilitatorUrl, sendWaitMs }: RelayingOptions) {
  /** Of transactions of ours, until whoever has sent one looks at it. */
  const receipts = new Map<string, TransactionReceipt>()
  /** Those that are waited for, by their hashes. */
  const sent = createLru<Hash, { nonce: number; again: () => Promise<Hash> }>(REMEMBERED_MAX)
  let turn: Promise<unknown> = Promise.resolve()
  let facilitator: Promise<Facilitator> | undefined

  /** One transaction of the relayer's after the other: the node has the one before when the next one asks for its number. */
  function inTurn<T>(send: () => Promise<T>): Promise<T> {
    const sending = turn.then(send, send)
    turn = sending.catch(() => undefined)
    return sending
  }

  /** Sends under the number that the chain expects next. Where another process with this key was first with it, nothing was sent. */
  const underNumber = (
    address: Address,
    send: (nonce: number) => Promise<Hash>,
    again: () => Promise<Hash>,
  ): Promise<Hash> =>
    inTurn(async () => {
      for (let tries = 1; ; tries++) {
        const nonce = await reader.getTransactionCount({ address, blockTag: 'pending' })
        try {
          const hash = await send(nonce)
          sent.set(hash, { nonce, again })
          return hash
        } catch (error) {
          if (tries >= NUMBERS_MAX || !isOfNumber(error)) throw error
        }
      }
    })

  /** Another transaction of the relayer has its number, and was mined: this one, which gave way to it, never will be. */
  async function isLost(address: Address, hash: Hash, nonce: number): Promise<boolean> {
    if ((await reader.getTransactionCount({ address, blockTag: 'latest' })) <= nonce) return false
    try {
      await reader.getTransactionReceipt({ hash })
      return false
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError) return true
      throw error
    }
  }

  /** The receipt of a transaction, or of the one that went out in its place since another process took its number. */
  async function receiptOf(address: Address, first: Hash): Promise<TransactionReceipt> {
    const givenUpMs = performance.now() + sendWaitMs
    const taken = (hash: Hash) => {
      const known = sent.get(hash)
      sent.delete(hash)
      return known
    }
    for (let hash = first, known = taken(hash); ; ) {
      const leftMs = givenUpMs - performance.now()
      try {
        const receipt = await reader.waitForTransactionReceipt({ hash, timeout: Math.min(LOOK_MS, leftMs) })
        // The library may have found the one that took its number.
        if (receipt.transactionHash === hash || !known || leftMs <= LOOK_MS) return receipt
      } catch (error) {
        if (!(error instanceof WaitForTransactionReceiptTimeoutError) || leftMs <= LOOK_MS) throw error
        if (!known || !(await isLost(address, hash, known.nonce))) continue
      }
      hash = await known.again()
      known = taken(hash)
    }
  }

  const priceOfGas = remembered(async () => {
    try {
      return await reader.estimateFeesPerGas()
    } catch (error) {
      if (!(error instanceof Eip1559FeesNotSupportedError)) throw error
      return reader.estimateFeesPerGas({ type: 'legacy' })
    }
  })
  const codeOf = remembered((address) => reader.getCode({ address: address as Address }))

  async function openFacilitator(): Promise<Facilitator> {
    if (facilitatorUrl !== undefined) {
      const { HTTPFacilitatorClient } = await import('@x402/core/http')
      return new HTTPFacilitatorClient({ url: facilitatorUrl })
    }
    if (!relayer) throw new Error('there is no key that pays for gas')
    const { ExactEvmScheme } = await import('@x402/evm/exact/facilitator')
    const { account } = relayer
    type Signer = ConstructorParameters<typeof ExactEvmScheme>[0]
    const signer: Signer = {
      getAddresses: () => [account.address],
      readContract: (args) => reader.readContract(args as never),
      verifyTypedData: (args) => reader.verifyTypedData(args as never),
      getCode: ({ address }) => codeOf(address),
      // Estimated on what is on its way too: an authorization that waits to be mined is not sent a second time.
      async writeContract(args) {
        const call = { ...args, account, blockTag: 'pending' } as never
        const [gas, price] = await Promise.all([reader.estimateContractGas(call), priceOfGas('now')])
        const priced = { ...args, ...price, chainId: reader.chain.id, gas: (gas * 12n) / 10n }
        const send = (nonce: number) => relayer.writeContract({ ...priced, nonce } as never)
        // Others' transactions wait for this one's number alone.
        return underNumber(account.address, send, () => signer.writeContract(args))
      },
      sendTransaction: (args) =>
        underNumber(
          account.address,
          (nonce) => relayer.sendTransaction({ ...args, nonce } as never),
          () => signer.sendTransaction(args),
        ),
      async waitForTransactionReceipt({ hash }) {
        const receipt = await receiptOf(account.address, hash)
        receipts.set(hash, receipt)
        return receipt
      },
    }
    return new ExactEvmScheme(signer)
  }
  const facilitating = () => {
    facilitator ??= openFacilitator()
    return facilitator
  }

  return {
    verify: async (payment: PaymentPayload) => (await facilitating()).verify(payment, payment.accepted),
    /** The receipt of the transaction, where this process has sent one and the chain has it. How it ended else is not known. */
    async settle(payment: PaymentPayload): Promise<TransactionReceipt | undefined> {
      const { transaction } = await (await facilitating()).settle(payment, payment.accepted)
      const receipt = receipts.get(transaction)
      receipts.delete(transaction)
      return receipt
    },
  }
}
