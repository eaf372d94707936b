/** A stack with persons in it, and what the tests of forgetting them ask of the command line, the log and the vault. */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { sql } from 'kysely'
import { expect, vi } from 'vitest'
import { globalUserIdOf } from '../../src/commands/noctant/user.ts'
import { chained } from '../../src/events/chain.ts'
import { createDatabase } from '../../src/postgres/database.ts'
import { runCli } from './cli.ts'
import { temporaryDirectory } from './services.ts'
import { startStack } from './stack.ts'

export const SECRETS_KEY = Buffer.alloc(32, 5).toString('base64')
export const within10s = { timeout: 10_000, interval: 50 }
type Environment = Record<string, string>

export type Persons = Awaited<ReturnType<typeof startPersons>>

export async function startPersons() {
  const elsewhere = temporaryDirectory()
  const stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  const acme = await stack.addOperator()
  const db = createDatabase({ url: stack.databaseUrl, poolMax: 2 })
  const services = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: elsewhere.path }

  const opslog = (args: string[], more: Environment = {}, run: typeof runCli = runCli) =>
    run(args, { ...services, SECRETS_KEY, ...more })
  const authorization = `Bearer ${acme.apiKey}`

  async function emailOf(id: string): Promise<unknown> {
    const answer = await fetch(`${stack.url}/noctant/v1/users/${id}`, { headers: { authorization } })
    return ((await answer.json()) as { email?: unknown }).email
  }

  async function provision(user: { external_id: string; email?: string }, url = stack.url) {
    const answer = await fetch(`${url}/noctant/v1/users`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(user),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, never> }
  }

  return {
    stack,
    acme,
    db,
    directory: elsewhere.path,
    opslog,
    forget: (args: string[], more: Environment = {}, run: typeof runCli = runCli) =>
      opslog(['admin', 'forget-user', ...args], more, run),
    emailOf,
    provision,
    /** A user with an e-mail address, in the log, in the vault and in the read models. */
    async newUser() {
      const external = `user-${randomUUID()}`
      const email = `${external}@example.com`
      expect((await provision({ external_id: external, email })).status).toBe(201)
      const id = globalUserIdOf(acme.operatorId, external)
      await vi.waitFor(async () => expect(await emailOf(id)).toBe(email), within10s)
      return { id, external, email, stream: `noctant.user-${id}` }
    },
    typesOf: async (stream: string) => (await Array.fromAsync(stack.store.readStream(stream))).map(({ type }) => type),
    async keyRow(id: string) {
      const { rows } = await sql<{ wrapped_key: Buffer | null }>`SELECT * FROM vault.personal_keys
        WHERE person_id = ${id}`.execute(db)
      return rows[0]
    },
    /** What an auditor finds in a stream, with the keys of persons at hand. */
    async findingsOf(stream: string) {
      const { exitCode, stdout } = await opslog(['audit', 'verify', '--stream', stream, '--json'])
      const { findings, personal_checked } = JSON.parse(stdout)
      expect(personal_checked).toBe(true)
      return { exitCode, findings: findings.map(({ kind, detail }: Environment) => `${kind}: ${detail}`) as string[] }
    },
    /** An event as somebody appends it who knows how chains are made, and has no keys. */
    async appendRaw(stream: string, type: string, data: Record<string, unknown>) {
      const id: string = randomUUID()
      const client = EventStoreDBClient.connectionString(stack.eventStoreUrl)
      const actor = { kind: 'operator', id: acme.operatorId } as const
      const cause = { $correlationId: id, $causationId: id, actor, commandId: id }
      const link = chained('', { type, data }, cause, { id, stream, revision: 0n })
      const metadata = new TextEncoder().encode(link.metadata)
      const event = jsonEvent({ id, type, data: data as never, metadata })
      await client.appendToStream(stream, event, { expectedRevision: NO_STREAM })
      await client.dispose()
    },
    /** The data of a stream's first event, as it is stored. */
    async storedData(stream: string): Promise<Record<string, unknown>> {
      const client = EventStoreDBClient.connectionString(stack.eventStoreUrl)
      const [first] = await Array.fromAsync(client.readStream(stream, { maxCount: 1 }))
      await client.dispose()
      return first!.event!.data as Record<string, unknown>
    },
    async close() {
      await db.destroy()
      await stack.close()
      elsewhere.remove()
    },
  }
}
