/** All persistent subscriptions of the node: kept as one document in a system stream, and brought to life from it. */
import { randomBytes } from 'node:crypto'
import { status } from '@grpc/grpc-js'
import { ProtocolError } from '../../protocol/errors.ts'
import { recordData } from '../../storage/record.ts'
import type { EventStore } from '../../storage/store.ts'
import { clamped } from '../reading.ts'
import { SubscriptionGroup } from './group.ts'
import { ALL, type SourceOptions, type SubscriptionConfig, type SubscriptionSettings } from './settings.ts'
import { openSource } from './source.ts'

const CONFIG_STREAM = '$persistentSubscriptionConfig'
const CONFIG_TYPE = '$PersistentConfig'

function failure(
  code: status,
  exception: string,
  details: string,
  source: string,
  group: string,
  more: Record<string, string> = {},
): ProtocolError {
  const name = source.replace(/[^\x20-\x7e]/g, '?')
  const groupName = group.replace(/[^\x20-\x7e]/g, '?')
  const trailers = { exception, 'stream-name': name, ...(group === '' ? {} : { 'group-name': groupName }), ...more }
  return new ProtocolError(code, details, trailers)
}

/** Why a subscription cannot be as its settings say. */
export function subscriptionFailed(source: string, group: string, reason: string): ProtocolError {
  const details = `Subscription group ${group} on stream ${source} failed: '${reason}'`
  return failure(status.INTERNAL, 'persistent-subscription-failed', details, source, group, { reason })
}

export function doesNotExist(source: string, group: string): ProtocolError {
  const details = `Subscription group ${group} on stream ${source} does not exist.`
  return failure(status.NOT_FOUND, 'persistent-subscription-does-not-exist', details, source, group)
}

function alreadyExists(source: string, group: string): ProtocolError {
  const details = `Subscription group ${group} on stream ${source} exists.`
  return failure(status.ALREADY_EXISTS, 'persistent-subscription-exists', details, source, group)
}

export function maximumSubscribersReached(source: string, group: string): ProtocolError {
  const details = `Maximum subscriptions reached for subscription group ${group} on stream ${source}.`
  return failure(status.FAILED_PRECONDITION, 'maximum-subscribers-reached', details, source, group)
}

export function dropped(source: string, group: string): ProtocolError {
  const details = `Subscription group ${group} on stream ${source} was dropped.`
  return failure(status.CANCELLED, 'persistent-subscription-dropped', details, source, group)
}

const keyOf = (source: string, group: string): string => `${source}::${group}`

export class SubscriptionRegistry {
  private readonly store: EventStore
  private readonly groups = new Map<string, SubscriptionGroup>()
  private changes: Promise<unknown> = Promise.resolve()

  constructor(store: EventStore) {
    this.store = store
    this.load()
  }

  private load(): void {
    for (const [record] of this.store.streams.read(CONFIG_STREAM, Number.MAX_SAFE_INTEGER, 1, true)) {
      const document = JSON.parse(recordData(record!).toString('utf8')) as { entries: SubscriptionConfig[] }
      for (const config of document.entries) this.start(config)
    }
  }

  private start(config: SubscriptionConfig): void {
    const group = new SubscriptionGroup(this.store, config, this.store.options.onNotice)
    this.groups.set(keyOf(config.source, config.group), group)
  }

  /** One change after the other, so that none overwrites another's document. */
  private change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changes.then(work)
    this.changes = done.catch(() => undefined)
    return done
  }

  private async save(entries: SubscriptionConfig[]): Promise<void> {
    const data = Buffer.from(JSON.stringify({ version: 1, updated: new Date().toISOString(), entries }))
    const event = { id: randomBytes(16), type: CONFIG_TYPE, json: true, data, customMetadata: Buffer.alloc(0) }
    const request = {
      stream: CONFIG_STREAM,
      expected: 'any',
      operation: 'append',
      events: [event],
      deadlineMs: undefined,
    } as const
    const outcome = await this.store.write(request)
    if (outcome.kind !== 'written') throw new Error(`the persistent subscriptions cannot be saved: ${outcome.kind}`)
  }

  private configs(): SubscriptionConfig[] {
    return [...this.groups.values()].map(({ config }) => config)
  }

  list(source?: string): SubscriptionGroup[] {
    return [...this.groups.values()].filter(({ config }) => source === undefined || config.source === source)
  }

  /** Whether a stream is tombstoned, so that nothing can ever come of it again. */
  isDeleted(stream: string): boolean {
    return this.store.streams.status(stream).kind === 'deleted'
  }

  /** @throws NOT_FOUND where there is no such group. */
  get(source: string, group: string): SubscriptionGroup {
    const found = this.groups.get(keyOf(source, group))
    if (!found) throw doesNotExist(source, group)
    return found
  }

  create(options: SourceOptions, group: string, settings: SubscriptionSettings): Promise<void> {
    return this.change(async () => {
      if (this.groups.has(keyOf(options.source, group))) throw alreadyExists(options.source, group)
      const config = this.configOf(options, group, settings, options.filter)
      await this.save([...this.configs(), config])
      this.start(config)
    })
  }

  private configOf(
    { source, startFrom }: SourceOptions,
    group: string,
    settings: SubscriptionSettings,
    filter: SubscriptionConfig['filter'],
  ): SubscriptionConfig {
    const config: SubscriptionConfig = { source, group, startFrom, firstToRead: 0, filter, settings }
    // Compiles the filter too, so that a bad one is refused now.
    const end = openSource(this.store, config).end()
    if (startFrom === 'end') config.firstToRead = end
    else if (startFrom !== 'start') config.firstToRead = clamped(BigInt(startFrom))
    if (source === ALL && config.firstToRead > end) {
      throw subscriptionFailed(source, group, 'the position to start from is behind the end of the log')
    }
    return config
  }

  /** Changes the settings; consumers are dropped and come back to the new ones. Where a checkpoint exists it goes on. */
  update(options: SourceOptions, group: string, settings: SubscriptionSettings): Promise<void> {
    return this.change(async () => {
      const existing = this.get(options.source, group)
      const config = this.configOf(options, group, settings, existing.config.filter)
      await this.save(this.configs().map((each) => (each === existing.config ? config : each)))
      await existing.close(dropped(options.source, group))
      this.start(config)
    })
  }

  remove(source: string, group: string): Promise<void> {
    return this.change(async () => {
      const existing = this.get(source, group)
      await this.save(this.configs().filter((each) => each !== existing.config))
      this.groups.delete(keyOf(source, group))
      await existing.close(dropped(source, group))
      await existing.bookkeeping.remove()
    })
  }

  /** Drops every consumer and begins again from what is stored. */
  restart(): Promise<void> {
    return this.change(async () => {
      await this.closeAll()
      this.load()
    })
  }

  /** Writes the last checkpoints and ends all groups; their consumers are told why. */
  async closeAll(reason?: Error): Promise<void> {
    const groups = [...this.groups.values()]
    this.groups.clear()
    await Promise.all(groups.map((group) => group.close(reason ?? dropped(group.config.source, group.config.group))))
  }
}
