/** How a call's end is told to its desk: what was tried, what was used, and what that costs. Once for each call. */

import type { CallScan } from '../../../adapters/llm/call-scan.ts'
import { costOf } from '../../../adapters/llm/cost.ts'
import { noUsage, settledUsage, totalInput, type Usage } from '../../../adapters/llm/usage.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import type { Admission, DeskOf, Settled } from '../../../commands/rungate/desk/interface.ts'
import type { Attempt } from '../../../events/rungate/call-facts.ts'
import { holdable } from '../../../runtime/holdable.ts'
import type { Collector } from './content-log.ts'
import type { Failure } from './provider-attempt.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { Target } from './target-order.ts'

export interface SettlingCall {
  scan: CallScan
  admission: Admission
  agent: DeskOf
  command: CommandContext
  startedMs: number
}

/** What a provider has delivered of an answer. */
export interface Delivery {
  seen: Usage | undefined
  deliveredBytes: number
  isComplete: boolean
  finishReason: string | undefined
}

export interface Spent extends Settled {
  usage: Usage
  costUsd: string
}

/** Of the provider's word for why an answer ended, characters that stand in the log. */
const FINISH_REASON_MAX = 64
const TIMEOUTS: readonly string[] = ['tcp_connect_timeout', 'request_timeout', 'first_events_timeout']

export class Settlement {
  readonly attempts: Attempt[] = []
  readonly skipped: { provider: string; reason: string }[]
  isSettled = false
  private firstByteMs: number | undefined
  private readonly parts: Pick<ProxyParts, 'desks' | 'figures' | 'contentLog' | 'log'>
  private readonly call: SettlingCall

  constructor(parts: Settlement['parts'], call: SettlingCall) {
    this.parts = parts
    this.call = call
    this.skipped = [...call.admission.candidates.skipped]
  }

  /** The client is given its first byte now. */
  noteFirstByte(): void {
    this.firstByteMs ??= performance.now()
  }

  /** Somebody served it, wholly or in part; `failure`: why it broke. */
  served(target: Target, delivery: Delivery, failure?: Failure): Spent {
    const { scan, admission } = this.call
    const { usage, isEstimated } = settledUsage({ ...delivery, prompt: scan.prompt, bound: admission.held })
    if (totalInput(usage) > admission.held.inputTokens || usage.output > admission.held.outputTokens) {
      // Where nothing is limited, nothing is held either.
      if (admission.remaining.usd !== null || admission.remaining.tokens !== null) this.parts.figures.overruns += 1
    }
    return this.settle(target, usage, isEstimated, failure, delivery.finishReason)
  }

  /** Nobody served it: nothing was used, as far as anybody knows. */
  failed(failure: Failure, target?: Target): Spent {
    return this.settle(target, noUsage, false, failure, undefined)
  }

  /** Keeps what was asked and answered, where the policy wants that; `answer` undefined: there was none. */
  keep(answer?: Buffer | Collector): void {
    this.parts.contentLog.note(this.call, answer)
  }

  /** Nothing was sent, and nothing is wrong. */
  dryRun(): Spent {
    return this.settle(undefined, noUsage, false, undefined, 'stop')
  }

  private settle(
    target: Target | undefined,
    usage: Usage,
    isEstimated: boolean,
    failure: Failure | undefined,
    finishReason: string | undefined,
  ): Spent {
    this.isSettled = true
    for (const { mayHaveCostUsd } of this.attempts) this.parts.figures.mayHaveCostUsd += Number(mayHaveCostUsd ?? 0)
    const { admission, agent, command, startedMs } = this.call
    const prices = target?.priced?.prices ?? null
    const costUsd = prices ? costOf(prices, usage) : '0'
    const settled = this.parts.desks.settle(
      agent,
      {
        callId: admission.callId,
        status: failure ? (TIMEOUTS.includes(failure.kind) ? 'timeout' : 'error') : 'success',
        provider: target?.provider ?? this.attempts.at(-1)?.provider ?? firstProvider(admission),
        servedModel: target?.model ?? null,
        providerKeyId: target?.keyId ?? null,
        usage,
        isEstimated,
        costUsd,
        prices,
        latencyMs: Math.round(performance.now() - startedMs),
        timeToFirstByteMs: this.firstByteMs === undefined ? null : Math.round(this.firstByteMs - startedMs),
        attempts: this.attempts,
        skipped: this.skipped,
        errorKind: failure?.kind ?? null,
        errorStatus: failure?.status ?? null,
        errorMessage: failure?.message ?? null,
        finishReason: finishReason === undefined ? null : holdable(finishReason.slice(0, FINISH_REASON_MAX)),
        hasContent: this.parts.contentLog.isOn(admission.run.settings),
      },
      command,
    )
    // It is sent again until the log has it, so what is left is a process that stops.
    settled.recorded.catch((err: unknown) => {
      this.parts.log.warn(
        { err, callId: admission.callId },
        'a settlement was not recorded before the stop; it expires',
      )
    })
    return { ...settled, usage, costUsd }
  }
}

const firstProvider = ({ candidates: { reachable, owner } }: Admission): string => reachable[0]?.provider ?? owner
