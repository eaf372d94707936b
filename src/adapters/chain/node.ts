/**
 * What a node of an Ethereum chain is asked, with answers held to their schemas. It is known to be of the right chain: its id is
 * asked for before the first question, and again after each time that it was away.
 */
import { z } from 'zod'
import { type Address, checksummed } from './address.ts'
import { CallReverted, type Revert, revertFrom } from './reverts.ts'
import { ChainUnavailable, type Rpc, RpcRefusal } from './rpc.ts'

export type Hex = `0x${string}`

export interface CallRequest {
  from?: Address
  /** Absent: `data` is code that is carried out, and gives the answer. */
  to?: Address
  data: Hex
}

export interface Block {
  number: bigint
  hash: Hex
  timestampS: number
  /** Undefined on chains without EIP-1559. */
  baseFee: bigint | undefined
}

export interface Log {
  address: Address
  topics: Hex[]
  data: Hex
  blockNumber: bigint
  blockHash: Hex
}

export interface Receipt {
  hash: Hex
  isSuccess: boolean
  blockNumber: bigint
  blockHash: Hex
  gasUsed: bigint
  gasPrice: bigint
  logs: Log[]
}

/** What became of bytes that were sent. `known`: the node has them already. */
export type SendOutcome = 'sent' | 'known' | 'nonce_too_low' | { refused: string }

export interface LogFilter {
  address: Address
  topics: readonly (Hex | readonly Hex[] | null)[]
  fromBlock: bigint
  toBlock: bigint
}

const hex = z.string().regex(/^0x([0-9a-f]{2})*$/i) as z.ZodType<Hex>
const hash = z.string().regex(/^0x[0-9a-f]{64}$/i) as z.ZodType<Hex>
const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform(BigInt)
const address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/i)
  .transform(checksummed)

const blockSchema = z.object({ number: quantity, hash, timestamp: quantity, baseFeePerGas: quantity.nullish() })
const logSchema = z.object({
  ...{ address, topics: z.array(hash).max(4), data: hex },
  ...{ blockNumber: quantity, blockHash: hash },
})
const receiptSchema = z.object({
  ...{ transactionHash: hash, status: quantity, blockNumber: quantity, blockHash: hash },
  ...{ gasUsed: quantity, effectiveGasPrice: quantity, logs: z.array(logSchema) },
})
const transactionSchema = z.object({ hash, blockNumber: quantity.nullish(), nonce: quantity })
const traceSchema = z.object({ output: hex.nullish(), error: z.string().nullish() })

const quantityOf = (value: bigint): Hex => `0x${value.toString(16)}`
const tagOf = (block: bigint | undefined): string => (block === undefined ? 'latest' : quantityOf(block))

const KNOWN = /already known|already imported|known transaction/i
const NONCE_TOO_LOW = /nonce (is )?too low/i
/** As nodes say it of a call that they have carried out, and that came to no good end. */
const CARRIED_OUT = /revert|out ?of ?gas|opcode|EVM error/i
const OUT_OF_GAS = /out ?of ?gas/i

export type ChainNode = ReturnType<typeof createNode>

export function createNode(rpc: Rpc, chainId: number) {
  let verified: Promise<void> | undefined

  async function verify(): Promise<void> {
    const found = quantity.safeParse(await rpc.request('eth_chainId', []))
    if (!found.success || found.data !== BigInt(chainId)) {
      throw new ChainUnavailable(`the node is of another chain: ${found.data ?? 'none'}, not ${chainId}`)
    }
  }

  /** Throws ChainUnavailable for what does not fit the schema, too. */
  async function ask<T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> {
    try {
      verified ??= verify()
      await verified
      const answer = schema.safeParse(await rpc.request(method, params))
      if (answer.success) return answer.data
      throw new ChainUnavailable(`the node answered ${method} with something else than it is to`)
    } catch (error) {
      if (error instanceof ChainUnavailable) verified = undefined
      throw error
    }
  }

  /** The same where a refusal of the node is nothing that the caller can change. */
  async function askPlainly<T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> {
    try {
      return await ask(schema, method, ...params)
    } catch (error) {
      throw error instanceof RpcRefusal ? refusedBy(method, error) : error
    }
  }

  /** Of a call that the chain carries out to answer: throws CallReverted where it came to no good end. */
  async function askByCall<T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> {
    try {
      return await ask(schema, method, ...params)
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error
      const isCarriedOut = error.data !== undefined || CARRIED_OUT.test(error.message)
      throw isCarriedOut ? new CallReverted(revertFrom(error.data)) : refusedBy(method, error)
    }
  }

  const call = (request: CallRequest, block?: bigint): Promise<Hex> => askByCall(hex, 'eth_call', request, tagOf(block))

  /** Undefined where the chain has no such block. */
  async function blockAt(at: bigint | 'latest'): Promise<Block | undefined> {
    const tag = at === 'latest' ? at : quantityOf(at)
    const found = await askPlainly(blockSchema.nullable(), 'eth_getBlockByNumber', tag, false)
    if (!found) return undefined
    const { number, timestamp, baseFeePerGas } = found
    return { number, hash: found.hash, timestampS: Number(timestamp), baseFee: baseFeePerGas ?? undefined }
  }

  async function latestBlock(): Promise<Block> {
    const latest = await blockAt('latest')
    if (!latest) throw new ChainUnavailable('the node has no block')
    return latest
  }

  async function priorityFee(): Promise<bigint> {
    try {
      return await ask(quantity, 'eth_maxPriorityFeePerGas')
    } catch (error) {
      // Not every node knows the question, and without a tip a transaction is as good where there is no crowd.
      if (error instanceof RpcRefusal) return 0n
      throw error
    }
  }

  async function tracedRevert(transaction: Hex): Promise<Revert | undefined> {
    try {
      const { output, error } = await ask(traceSchema, 'debug_traceTransaction', transaction, { tracer: 'callTracer' })
      // Of other ends than a revert the output says nothing.
      if (OUT_OF_GAS.test(error ?? '')) return { ...revertFrom(undefined), text: 'ran out of gas' }
      return revertFrom(output ?? undefined)
    } catch (error) {
      // Most public nodes do not trace.
      if (error instanceof RpcRefusal) return undefined
      throw error
    }
  }

  return {
    call,
    blockAt,
    latestBlock,

    /** Asks the node, whatever chain is expected. */
    chainId: async (): Promise<number> => Number(await askPlainly(quantity, 'eth_chainId')),
    getCode: (of: Address): Promise<Hex> => askPlainly(hex, 'eth_getCode', of, 'latest'),
    storageAt: (of: Address, slot: Hex): Promise<Hex> => askPlainly(hex, 'eth_getStorageAt', of, slot, 'latest'),
    etherOf: (of: Address): Promise<bigint> => askPlainly(quantity, 'eth_getBalance', of, 'latest'),
    nonceOf: async (of: Address, at: 'latest' | 'pending'): Promise<number> =>
      Number(await askPlainly(quantity, 'eth_getTransactionCount', of, at)),
    /** Throws CallReverted where it would revert. */
    estimateGas: (request: CallRequest): Promise<bigint> => askByCall(quantity, 'eth_estimateGas', request),
    getLogs: ({ fromBlock, toBlock, ...filter }: LogFilter): Promise<Log[]> => {
      const range = { fromBlock: quantityOf(fromBlock), toBlock: quantityOf(toBlock) }
      return askPlainly(z.array(logSchema), 'eth_getLogs', { ...filter, ...range })
    },

    /** Good for a block whose base fee is twice that of the last one. */
    async fees(): Promise<{ maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }> {
      const [{ baseFee }, priority] = await Promise.all([latestBlock(), priorityFee()])
      const base = baseFee ?? (await askPlainly(quantity, 'eth_gasPrice'))
      return { maxFeePerGas: 2n * base + priority, maxPriorityFeePerGas: priority }
    },

    /** Throws ChainUnavailable where nobody knows whether the node has it. */
    async sendRaw(raw: Hex): Promise<SendOutcome> {
      try {
        await ask(hash, 'eth_sendRawTransaction', raw)
        return 'sent'
      } catch (error) {
        if (!(error instanceof RpcRefusal)) throw error
        if (KNOWN.test(error.message)) return 'known'
        return NONCE_TOO_LOW.test(error.message) ? 'nonce_too_low' : { refused: error.message }
      }
    },

    /** Undefined as long as the transaction is in no block. */
    async receipt(transaction: Hex): Promise<Receipt | undefined> {
      const found = await askPlainly(receiptSchema.nullable(), 'eth_getTransactionReceipt', transaction)
      if (!found) return undefined
      const { transactionHash, status, effectiveGasPrice: gasPrice, ...rest } = found
      return { ...rest, hash: transactionHash, isSuccess: status === 1n, gasPrice }
    },

    /** Undefined where the node has never heard of it; `blockNumber` undefined as long as it is in no block. */
    async transaction(of: Hex): Promise<{ hash: Hex; blockNumber: bigint | undefined; nonce: number } | undefined> {
      const found = await askPlainly(transactionSchema.nullable(), 'eth_getTransactionByHash', of)
      if (!found) return undefined
      return { hash: found.hash, blockNumber: found.blockNumber ?? undefined, nonce: Number(found.nonce) }
    },

    /** Why a transaction that is in a block did nothing: by its trace, else by carrying it out once more before its block. */
    async revertOf({
      hash,
      blockNumber,
      ...request
    }: CallRequest & { hash: Hex; blockNumber: bigint }): Promise<Revert> {
      const traced = await tracedRevert(hash)
      if (traced) return traced
      try {
        await call(request, blockNumber - 1n)
      } catch (error) {
        if (error instanceof CallReverted) return error.revert
        throw error
      }
      return revertFrom(undefined)
    },

    close: () => rpc.close(),
  }
}

const refusedBy = (method: string, { message }: RpcRefusal): ChainUnavailable =>
  new ChainUnavailable(`the node refused ${method}: ${message}`)
