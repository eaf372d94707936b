/**
 * A private chain that is started anew where it has ended by itself, at the same address and from its last state: whoever speaks
 * with it finds it again.
 */
import { type AnvilOptions, type LocalChain, startAnvil } from './anvil.ts'

export interface AnvilKeeperOptions extends AnvilOptions {
  /** Told before each new start. */
  onRestart?: (reason: string) => void
  /** After so many starts in a row that did not last, it stays away. Default 5. */
  failuresMax?: number
  /** A chain that lasts so long is well again. Default 10,000. */
  wellAfterMs?: number
}

/** As startAnvil; `exited` resolves when it is not started any more. */
export async function keepAnvil(options: AnvilKeeperOptions): Promise<LocalChain> {
  const { failuresMax = 5, wellAfterMs = 10_000 } = options
  let chain = await startAnvil(options)
  const { rpcUrl, chainId, keyOf } = chain
  const port = Number(new URL(rpcUrl).port)
  let isStopping = false

  /** Resolves with how long it lasted, in ms. */
  async function untilItEnds(): Promise<number> {
    const startedMs = performance.now()
    await chain.exited
    return performance.now() - startedMs
  }

  async function follow(): Promise<void> {
    let failures = 0
    while (true) {
      const lastedMs = await untilItEnds()
      failures = lastedMs < wellAfterMs ? failures + 1 : 1
      if (isStopping || failures > failuresMax) return
      options.onRestart?.('it has ended by itself')
      try {
        chain = await startAnvil({ ...options, port })
        if (isStopping) return await chain.stop()
      } catch (error) {
        options.onRestart?.(error instanceof Error ? error.message : String(error))
        return
      }
    }
  }

  const exited = follow()
  return {
    ...{ rpcUrl, chainId, keyOf, exited },
    get pid() {
      return chain.pid
    },
    async stop() {
      isStopping = true
      await chain.stop()
      await exited
    },
  }
}
