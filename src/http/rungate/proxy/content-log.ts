/**
 * What was asked and answered, kept where the policy and the installation want it: sealed, under a key of the account and the
 * day, so that a day's contents can be destroyed at once. It is written after the answer, and never in its way.
 */
import { commandContext } from '../../../commands/context.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { stepContent } from '../../../commands/rungate/step-content.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import type { Log } from '../../../log.ts'
import { CONTENT_KEYS, contentKeyId, sealContent } from '../../../processes/rungate/contents.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import type { SettlingCall } from './settlement.ts'

/** Of each side that is kept. */
const SIDE_MAX_BYTES = 16_384

export interface ContentLog {
  isOn(settings: Pick<PolicySettings, 'contentLogging'>): boolean
  /** Collects what a stream's client is given; undefined where nothing is kept. */
  collector(settings: Pick<PolicySettings, 'contentLogging'>): Collector | undefined
  /** `answer`: a whole one; of a stream what was collected; undefined: there was none. */
  note(call: SettlingCall, answer: Buffer | Collector | undefined): void
}

export interface ContentSettings {
  isOn: boolean
  mayPolicyDecide: boolean
}

interface Parts {
  bus: CommandBus
  keys: Pick<ObjectKeys, 'ensure'>
  clock: () => Date
  log: Pick<Log, 'warn'>
  settings: ContentSettings
}

export class Collector {
  bytes = 0
  private readonly pieces: Buffer[] = []

  add(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      if (this.bytes <= SIDE_MAX_BYTES) this.pieces.push(piece)
      this.bytes += piece.length
    }
  }

  /** As JSON: a member with the frames' text. */
  text(): string {
    return JSON.stringify({ stream: Buffer.concat(this.pieces).toString('utf8') })
  }
}

export function createContentLog({ bus, keys, clock, log, settings }: Parts): ContentLog {
  const isOn: ContentLog['isOn'] = ({ contentLogging }) =>
    contentLogging === 'default' || !settings.mayPolicyDecide ? settings.isOn : contentLogging === 'enabled'

  async function write({ scan, admission, agent, command }: SettlingCall, answer: Side): Promise<void> {
    const { callId: stepId, run } = admission
    const at = clock().toISOString()
    const day = at.slice(0, 10)
    const key = await keys.ensure(CONTENT_KEYS, contentKeyId(agent.accountId, day))
    const request = sideOf(scan.bytes)
    const seal = ({ text, bytes }: Side, part: 'request' | 'response') =>
      text === null ? null : sealContent(kept(text, bytes), { id: stepId, part }, key)
    const facts = {
      ...{ ...agent, stepId, runId: run.runId, day, occurredAt: at },
      ...{ sealedRequest: seal(request, 'request'), requestBytes: request.bytes },
      ...{ sealedResponse: seal(answer, 'response'), responseBytes: answer.bytes },
    }
    const commandId = deterministicId('rungate.stepContent', stepId)
    await bus.handle(stepContent, stepId, { facts }, commandContext(command.actor, commandId, at, command))
  }

  return {
    isOn,
    collector: (of) => (isOn(of) ? new Collector() : undefined),
    note(call, answer) {
      if (!isOn(call.admission.run.settings)) return
      write(call, answer instanceof Collector ? { text: answer.text(), bytes: answer.bytes } : sideOf(answer)).catch(
        (err: unknown) => log.warn({ err, callId: call.admission.callId }, 'what a call said was not kept'),
      )
    },
  }
}

/** JSON as text; null: there is none. */
interface Side {
  text: string | null
  bytes: number
}

const sideOf = (bytes: Buffer | undefined): Side => {
  if (bytes === undefined) return { text: null, bytes: 0 }
  return { text: bytes.length > SIDE_MAX_BYTES ? '' : bytes.toString('utf8'), bytes: bytes.length }
}

const kept = (text: string, bytes: number): string =>
  bytes > SIDE_MAX_BYTES || Buffer.byteLength(text) > 2 * SIDE_MAX_BYTES
    ? JSON.stringify({ truncated: true, bytes })
    : text
