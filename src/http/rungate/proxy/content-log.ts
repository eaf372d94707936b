/**
 * What steps were asked and answered, kept where the policy and the installation want it: sealed, under a key of the account and
 * the day, so that a day's contents can be destroyed at once. It is written after a call's answer, and never in its way.
 */
import { commandContext } from '../../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import type { DeskOf } from '../../../commands/rungate/desk/interface.ts'
import { stepContent } from '../../../commands/rungate/step-content.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import type { Log } from '../../../log.ts'
import { CONTENT_KEYS, contentKeyId, sealContent } from '../../../processes/rungate/contents.ts'
import type { RungateSettings } from '../../../processes/rungate/settings.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import type { SettlingCall } from './settlement.ts'

/** A step and what is kept of it; `answer` undefined: there was none. */
export interface StepSaid {
  agent: DeskOf
  runId: string
  stepId: string
  command: CommandContext
  request: Buffer | undefined
  answer: Said
}

/** A whole one, or of a stream what was collected. */
type Said = Buffer | Collector | undefined

export interface ContentLog {
  isOn(settings: Pick<PolicySettings, 'contentLogging'>): boolean
  /** Collects what a stream's client is given; undefined where nothing is kept. */
  collector(settings: Pick<PolicySettings, 'contentLogging'>): Collector | undefined
  /** The text that is kept of one side, JSON; null: there is none. */
  keptText(said: Said): string | null
  /** Keeps what a call said where its policy wants that. `answer`: a whole one; of a stream what was collected. */
  note(call: SettlingCall, answer: Said): void
  /** Keeps it, whatever the policy says. Resolves with the position at which the log has it; undefined: it did not take it. */
  keep(said: StepSaid): Promise<bigint | undefined>
  /** Resolves when what is being kept of the agent's steps is in the log, with the last of those positions. */
  quiet(agentId: string): Promise<bigint | undefined>
  /** Resolves when nothing is being kept any more. */
  drained(): Promise<void>
}

export interface ContentSettings {
  isOn: boolean
  mayPolicyDecide: boolean
  /** Of each side that is kept. */
  sideMaxBytes: number
}

export const contentSettingsOf = (settings: RungateSettings): ContentSettings => ({
  ...{ isOn: settings.CONTENT_LOGGING === 'enabled', mayPolicyDecide: settings.CONTENT_LOGGING_POLICY_OVERRIDE },
  sideMaxBytes: settings.CONTENT_SIDE_MAX_BYTES,
})

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
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  add(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      if (this.bytes <= this.maxBytes) this.pieces.push(piece)
      this.bytes += piece.length
    }
  }

  /** As JSON: a member with the frames' text. */
  text(): string {
    return JSON.stringify({ stream: Buffer.concat(this.pieces).toString('utf8') })
  }
}

export function createContentLog({ bus, keys, clock, log, settings }: Parts): ContentLog {
  /** By agent. */
  const underWay = new Map<string, Set<Promise<bigint | undefined>>>()

  const { sideMaxBytes } = settings

  const isOn: ContentLog['isOn'] = ({ contentLogging }) =>
    contentLogging === 'default' || !settings.mayPolicyDecide ? settings.isOn : contentLogging === 'enabled'

  function keptText(said: Said): string | null {
    if (said === undefined) return null
    const bytes = bytesOf(said)
    const text = bytes > sideMaxBytes ? '' : said instanceof Collector ? said.text() : said.toString('utf8')
    const isLong = bytes > sideMaxBytes || Buffer.byteLength(text) > 2 * sideMaxBytes
    return isLong ? JSON.stringify({ truncated: true, bytes }) : text
  }

  async function write({ agent, runId, stepId, command, ...said }: StepSaid): Promise<bigint | undefined> {
    const at = clock().toISOString()
    const day = at.slice(0, 10)
    const key = await keys.ensure(CONTENT_KEYS, contentKeyId(agent.accountId, day))
    const seal = (side: Said, part: 'request' | 'response') => {
      const text = keptText(side)
      return text === null ? null : sealContent(text, { id: stepId, part }, key)
    }
    const facts = {
      ...{ ...agent, stepId, runId, day, occurredAt: at },
      ...{ sealedRequest: seal(said.request, 'request'), requestBytes: bytesOf(said.request) },
      ...{ sealedResponse: seal(said.answer, 'response'), responseBytes: bytesOf(said.answer) },
    }
    const commandId = deterministicId('rungate.stepContent', stepId)
    const context = commandContext(command.actor, commandId, at, command)
    return (await bus.handle(stepContent, stepId, { facts }, context)).position
  }

  async function keep(said: StepSaid): Promise<bigint | undefined> {
    const { agentId } = said.agent
    const writing = write(said).catch((err: unknown) => {
      log.warn({ err, stepId: said.stepId }, 'what a step said was not kept')
      return undefined
    })
    const all = underWay.get(agentId) ?? new Set()
    underWay.set(agentId, all.add(writing))
    const position = await writing
    all.delete(writing)
    if (all.size === 0) underWay.delete(agentId)
    return position
  }

  return {
    isOn,
    keep,
    collector: (of) => (isOn(of) ? new Collector(sideMaxBytes) : undefined),
    keptText,
    note({ scan, admission, agent, command }, answer) {
      const { run, callId: stepId } = admission
      if (isOn(run.settings)) void keep({ agent, runId: run.runId, stepId, command, request: scan.bytes, answer })
    },
    async quiet(agentId) {
      let last: bigint | undefined
      for (const position of await Promise.all(underWay.get(agentId) ?? [])) {
        if (position !== undefined && (last === undefined || position > last)) last = position
      }
      return last
    },
    async drained() {
      await Promise.all([...underWay.values()].flatMap((all) => [...all]))
    },
  }
}

const bytesOf = (said: Said): number => (said instanceof Collector ? said.bytes : (said?.length ?? 0))
