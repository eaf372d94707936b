/** The rest of a stream, as fast as its client takes it. */
import type { AnswerBody } from '../../../adapters/llm/answer-body.ts'
import { cleanMessage } from '../../../adapters/llm/error-shapes.ts'
import { BrokenStream } from '../../../adapters/llm/frames.ts'
import { ProviderFailure } from '../../../adapters/llm/provider-failure.ts'
import type { AdmittedCall } from './answering.ts'
import type { Collector } from './content-log.ts'
import type { AttemptEnd, Failure } from './provider-attempt.ts'

type Stream = Pick<Extract<AttemptEnd, { kind: 'stream' }>, 'relay' | 'first' | 'running' | 'answer'>

/** Why a stream broke. `isProviders`: neither the client's leaving or slowness may be behind it, nor a stop. */
export type Broken = Failure & { isProviders: boolean }

/** Writes frames until the stream is complete, breaks, or is interrupted. Answers why it broke; the client has been told. */
export async function deliverStream(
  { relay, first, running, answer: { body } }: Stream,
  { client, interruption, counted }: Pick<AdmittedCall, 'client' | 'interruption' | 'counted'>,
  collector: Collector | undefined,
): Promise<Broken | undefined> {
  const forget = interruption.whenInterrupted(() => running.abort())
  if (interruption.reason !== undefined) running.abort()
  let hasWaited = false
  try {
    for (let out = first; ; ) {
      collector?.add(out)
      const taken = client.write(out)
      if (taken) {
        hasWaited = true
        await taken
      }
      if (relay.isComplete) {
        drain(body)
        return undefined
      }
      const chunk = await body.read()
      out = chunk === undefined ? relay.end() : await counted(() => relay.push(chunk))
    }
  } catch (error) {
    running.abort()
    if (interruption.reason === 'client_left') return broken('client_disconnect', 'The client left.')
    const isStopped = interruption.reason === 'force_stopped'
    const message = isStopped ? 'The run was force-stopped.' : cleanMessage(error instanceof Error ? error.message : '')
    client.write([relay.brokenFrame(message)])
    const kind = error instanceof BrokenStream ? relay.kindOf(error) : 'mid_stream_error'
    // A client that takes its frames slowly may have brought the time limit about.
    const isClients = hasWaited && error instanceof ProviderFailure && error.kind === 'request_timeout'
    return broken(kind, message, !isStopped && !isClients)
  } finally {
    forget()
  }
}

const broken = (kind: Failure['kind'], message: string, isProviders = false): Broken => ({
  ...{ kind, status: null, message, refusal: undefined },
  isProviders,
})

/** Reads what is behind the end, so that the connection can be used again. The call's own time limit bounds it. */
function drain(body: AnswerBody): void {
  const rest = async () => {
    while ((await body.read()) !== undefined);
  }
  // The answer is complete: how its connection ends concerns nobody.
  rest().catch(() => undefined)
}
