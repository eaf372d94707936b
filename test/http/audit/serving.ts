/** What the auditors' API is made of in tests, and how their keys come to be. */
import { expect } from 'vitest'
import { auditor } from '../../../src/commands/audit/auditor.ts'
import { generateAuditorKey } from '../../../src/commands/audit/auditor-key.ts'
import { createReadingRecorder } from '../../../src/commands/audit/reading.ts'
import type { CommandBus } from '../../../src/commands/handle.ts'
import type { AuditLimits } from '../../../src/http/audit/access.ts'
import { audit } from '../../../src/http/audit/api.ts'
import { createAuditParts } from '../../../src/http/audit/parts.ts'
import { withParts } from '../../../src/http/context.ts'
import { createAuditorDirectory } from '../../../src/projections/audit/auditors.ts'
import { createOwnersOf } from '../../../src/projections/audit/ownership.ts'
import { eventually } from '../../projections/support.ts'
import { auditRules, contexts } from '../../support/contexts.ts'
import { type ApiGround, systemContext } from '../api.ts'
import { READ_YOUR_WRITES_WAIT_MS } from '../showing-bus.ts'

/** Small enough that tests meet them where they mean to. */
const auditLimits = (): AuditLimits => ({
  eventsMax: 100_000,
  stateEventsMax: 100_000,
  timeMaxMs: 60_000,
  traceEventsMax: 300,
  findingsMax: 1_000,
  concurrencyMax: 4,
  waitingMax: 4,
  waitMaxMs: 5_000,
})

export async function servingAudit({ rawLog, bus, store, db, options, ...ground }: ApiGround) {
  const auditors = await ground.follow('auditors', createAuditorDirectory())
  const sealKeys: string[] = []
  const limits = { ...auditLimits(), ...options.auditLimits }
  const findings = contexts.flatMap((each) => each.findLogReader?.(ground.directories) ?? [])
  const logReaders = await Promise.all(findings)
  async function caughtUp(): Promise<void> {
    for (const { name } of contexts) {
      const head = await rawLog.head(({ type }) => type.startsWith(`${name}.`))
      const waitMs = options.limits?.readYourWritesWaitMs ?? READ_YOUR_WRITES_WAIT_MS
      if (head !== undefined && name !== 'audit') await ground.waiterOf(name).waitFor(head, waitMs)
    }
  }
  return {
    directories: {},
    contextOn: (of: CommandBus) =>
      withParts(
        audit,
        createAuditParts({
          ...ground.coreOf('audit', of),
          ...{ log: rawLog, rules: auditRules, sealKeys, auditors, logReaders, limits, caughtUp },
          ...{ requestsPerMinuteMax: 600, traceUrlTemplate: options.traceUrlTemplate },
          ownersOf: createOwnersOf(db, contexts),
          recorder: createReadingRecorder(store, { auditorsMax: 10, conflictRetriesMax: 5 }),
        }),
      ),
    members: {
      auditors,
      /** A test may change them. */
      auditLimits: limits,
      /** Keys that seals are held against. */
      sealKeys,
      /** A key for the events of one operator, or of all (null). */
      async addAuditor(operatorId: string | null, name = 'Grace of the auditors') {
        const { key, keyId, keyHash } = generateAuditorKey()
        const at = new Date().toISOString()
        const facts = { keyId, operatorId, name, scopes: ['audit:read' as const], keyHash }
        await bus.handle(auditor, keyId, { kind: 'issue', facts, at }, systemContext())
        await eventually(() => expect(auditors.find(keyId)).toBeDefined())
        return { key, keyId }
      },
    },
  }
}
