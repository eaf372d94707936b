/**
 * Several statements in one pipeline over one connection: all are bound and executed before Postgres is asked to answer
 * (PostgreSQL manual, extended query protocol). A Submittable is pg's name for an object that speaks the protocol itself,
 * as its cursor does. Where a statement fails, Postgres skips those behind it.
 */
import type { Duplex } from 'node:stream'
import { type Connection, type FieldDef, type PoolClient, Result, type Submittable } from 'pg'
import { serialize } from 'pg-protocol'

export type Row = Record<string, unknown>
export type Value = string | number | bigint | boolean | null

export interface Statement {
  sql: string
  parameters: readonly Value[]
  /** Takes the rows, in Postgres's order. */
  answer(rows: Row[]): void
  /** Takes the reason why there are none. */
  fail(error: unknown): void
}

/** The parts of pg's connection that a Submittable uses here. */
interface Wire {
  stream: Duplex
  /** Texts of the statements that Postgres knows on this connection, by their names. */
  parsedStatements: Record<string, string>
}

const EXECUTE = serialize.execute({ portal: '', rows: 0 })
const SYNC = serialize.sync()

/** The part of pg's Result that makes rows of data messages, by the columns and the parsers of their types. */
interface RowParser {
  addFields(columns: FieldDef[]): void
  parseRow(fields: (string | null)[]): Row
}
const RowParser = Result as unknown as new (mode: undefined, types: unknown) => RowParser

/**
 * The row parsers of a connection's named statements. Where a statement's columns change, Postgres refuses it (0A000) and
 * its text gets another name.
 */
const parsersOf = new WeakMap<Wire, Map<string, RowParser>>()

export class Pipeline implements Submittable {
  /** Statements answered so far; where the pipeline fails, this is the index of the one that Postgres refused. */
  answered = 0
  private readonly statements: readonly Statement[]
  private names: string[] = []
  private types: PoolClient | undefined
  private parsers = new Map<string, RowParser>()
  /** The parser of the statement whose rows are coming, where Postgres has described it in this pipeline. */
  private described: RowParser | undefined
  private rows: Row[] = []
  /** Why a row cannot be parsed; this statement fails because of it, and no other. */
  private unreadable: unknown
  /** pg calls it once. */
  private callback: (error: Error | null) => void = () => undefined

  constructor(statements: readonly Statement[]) {
    this.statements = statements
  }

  /** The statement whose answer comes next. pg reads name and text when Postgres has parsed it, and keeps both. */
  get name(): string {
    return this.names[this.answered] ?? ''
  }

  get text(): string {
    return this.statements[this.answered]?.sql ?? ''
  }

  /** `nameOf` answers a text's name, or undefined. Rejects with the first failure; all before it are answered. */
  send(client: PoolClient, nameOf: (text: string) => string | undefined): Promise<void> {
    this.types = client
    this.names = this.statements.map(({ sql }) => nameOf(sql) ?? '')
    return new Promise((resolve, reject) => {
      const ended = (error: Error | null) => (error ? reject(error) : resolve())
      this.callback = ended
      client.query(this)
    })
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire
    this.parsers = parsersOf.get(wire) ?? this.parsers
    parsersOf.set(wire, this.parsers)
    const parsed = new Set<string>()
    const messages: Buffer[] = []
    for (const [index, { sql, parameters }] of this.statements.entries()) {
      const name = this.names[index]!
      const isKnown = name !== '' && (parsed.has(name) || wire.parsedStatements[name] !== undefined)
      if (!isKnown) messages.push(serialize.parse({ name, text: sql }))
      parsed.add(name)
      messages.push(serialize.bind({ statement: name, values: parameters.map(asText) }))
      if (name === '' || !this.parsers.has(name)) messages.push(serialize.describe({ type: 'P' }))
      messages.push(EXECUTE)
    }
    messages.push(SYNC)
    // In one piece: the socket takes longer to gather pieces than this takes to copy them.
    if (wire.stream.writable) wire.stream.write(Buffer.concat(messages))
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    this.described = new RowParser(undefined, this.types)
    this.described.addFields(fields)
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const parser = this.described ?? this.parsers.get(this.names[this.answered]!)!
    try {
      this.rows.push(parser.parseRow(fields))
    } catch (error) {
      this.unreadable = error
    }
  }

  handleCommandComplete(): void {
    const name = this.names[this.answered]!
    const { answer, fail } = this.statements[this.answered]!
    if (name !== '' && this.described) this.parsers.set(name, this.described)
    const { rows, unreadable } = this
    this.answered++
    this.described = undefined
    this.rows = []
    this.unreadable = undefined
    if (unreadable === undefined) answer(rows)
    else fail(unreadable)
  }

  handleError(error: Error): void {
    this.callback(error)
  }

  handleReadyForQuery(): void {
    this.callback(null)
  }
}

const asText = (value: Value): string | null => (value === null ? null : String(value))
