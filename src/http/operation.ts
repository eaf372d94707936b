/**
 * One operation of a contract, as a plain value: what the document says of it, who may call it, its requests and answers,
 * and a handler. The handler is given validated parts and returns a status and a body. No handler sees the framework.
 * A context makes its builders once, typed by its parts, its principal and its error table: `operationsFor<…>()`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from '@hono/zod-openapi'
import type { CommandBus, CommandContext } from '../commands/handle.ts'
import type { Counted } from '../runtime/counted.ts'
import type { Access, PrincipalOf, RequestHead } from './access.ts'
import type { Answers, FixedBody, Handled, ReplyOf } from './answers.ts'
import type { BodyOf, BodySpec } from './body.ts'
import type { KeySource } from './command.ts'
import type { Waiter } from './consistency.ts'
import type { Sealer } from './cursor.ts'
import type { Exchange, Principal } from './environment.ts'
import { type KeyKeeping, once } from './once.ts'
import { answered, type Page, type Paging } from './paging.ts'

/** What every context's handlers have; a context adds its own parts. */
export interface CoreParts {
  bus: CommandBus
  waiter: Waiter
  /** Now, in UTC. */
  clock: () => Date
}

/** What a handler may know of the caller, in addition to the principal. */
export interface Caller {
  requestId: string
  /** The client's address, an IPv6 one as its network. */
  address: () => string
  /** The whole address that was asked for. */
  url: string
  header: (name: string) => string | undefined
  /** The body has proved to be signed by `name`, who is no longer anybody who has no key (callers.ts). */
  vouch: (name: string) => void
  /** Aborts when the client goes away. */
  signal: () => AbortSignal
}

type None = z.ZodObject<Record<never, never>>
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** What an operation says of itself, before its handler. */
interface Described<P, Q, H, C, B, A, Code, Acc = Access> {
  path: string
  /** The contract's operationId. */
  id: string
  summary: string
  description?: string
  tags?: readonly string[]
  access: Acc
  /** Throws a Problem where something in the head will not do, before anybody is asked who it is and before a body is read. */
  head?: (head: RequestHead) => void
  /** Of the path, the query, the headers (names in lower case) and the cookies. */
  params?: P
  query?: Q
  headers?: H
  cookies?: C
  /** A schema stands for a required JSON body. */
  body?: B
  /** The largest body that it takes, in bytes; default: the context's. */
  bodyMaxBytes?: number
  answers: A
  /** Codes of the context that it may be refused with; the kernel's own follow from the rest. */
  refuses?: readonly Code[]
  /** It writes nothing, so its handler is given no command. */
  isRead?: true
  /** It has no key, and yet the same request again has one effect. */
  isIdempotent?: true
  /** The header of a key that its handler reads by itself, and under which the same request again has one effect. */
  readsKey?: string
  /** It reads many rows: few such requests of a tenant are served at a time. Default: what `list` makes does. */
  isList?: boolean
  /** Name of the context's rate class; default `standard`. */
  rate?: string
  /** Members of the example of a request's body, beside the required ones, which the context's words give. */
  example?: unknown
}

/** What a handler is given. */
export type RequestOf<Parts, Who, P, Q, H, C, B> = Omit<Parts, keyof Principal> & {
  principal: Who
  params: z.output<P>
  query: z.output<Q>
  headers: z.output<H>
  cookies: z.output<C>
  body: BodyOf<B>
  caller: Caller
  /** Makes and opens cursors. */
  sealer: Sealer
}

interface Commanded<Request, Facts> {
  /** Where the key stands under which a request is answered once and for all; default: it has none. */
  key?: KeySource<Request, Facts>
  /** Name of what it does, as part of the identity of its commands; default: its id. Never changes. */
  action?: string
  /** The request in the domain's words: everything that decides what it does. Default: its parameters and its body. */
  facts?: (request: Request) => Facts | Promise<Facts>
  /** What the key is unique within; default: the tenant as a whole. */
  scope?: (request: Request, facts: Facts) => string
  /** In place of the facts, where they may not be hashed as they are. */
  fingerprint?: (facts: Facts, request: Request) => object | Promise<object>
  /** The caller's own id for what this belongs to; default: the request's id. */
  correlation?: (request: Request, facts: Facts, commandId: string) => string | null | undefined
  /** Where its key is kept; default: the stream that its request is about tells of a repeat. */
  keeps?: KeyKeeping
}

/** An operation as the kernel sees it; `Parts` is what its handler needs. */
export interface Operation<in Parts = never>
  extends Omit<
      Described<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodObject, BodySpec | z.ZodType, Answers, string>,
      'refuses'
    >,
    Pick<Commanded<unknown, unknown>, 'action'> {
  method: Method
  refuses: readonly string[]
  /** Whether the handler is given the context of a command. */
  isCommand: boolean
  commanded: Commanded<unknown, unknown>
  handle: (request: HandlerInput) => unknown
  /** It takes Node's request and answers on Node's answer itself: only who asks, and how much, is found out before. */
  isDirect?: boolean
  /** Never called: it holds the type. */
  needs?: (parts: Parts) => void
}

/** What a direct operation works on. Headers of the exchange are the answer's; it notes the status there. */
export interface DirectCall<Who> {
  principal: Who
  incoming: IncomingMessage
  outgoing: ServerResponse
  exchange: Exchange
  /** In the tenant's turn; its time is the tenant's. */
  counted: Counted
}

/** What the kernel hands to any handler. */
export type HandlerInput = object & { facts?: unknown; command?: CommandContext; counted?: Counted }

/** The builders of a context. Its handlers work with `Parts` and the principal. */
export function operationsFor<Parts extends CoreParts, Who extends Principal, Code extends string>() {
  type Defaults = [None, None, None, None, undefined]
  type Input<P, Q, H, C, B, Acc extends Access> = RequestOf<Parts, PrincipalOf<Acc, Who>, P, Q, H, C, B>

  /** Any operation: its handler returns the status with what belongs to it. */
  function operation<
    A extends Answers,
    P extends z.ZodObject = Defaults[0],
    Q extends z.ZodObject = Defaults[1],
    H extends z.ZodObject = Defaults[2],
    C extends z.ZodObject = Defaults[3],
    B extends BodySpec | z.ZodType | undefined = Defaults[4],
    Facts = undefined,
    Status extends keyof A & number = keyof A & number,
    Acc extends Access = Access,
  >(
    spec: Described<P, Q, H, C, B, A, Code, Acc> &
      Commanded<Input<P, Q, H, C, B, Acc>, Facts> & {
        method: Method
        handle: (
          request: Input<P, Q, H, C, B, Acc> & { facts: Facts; command: CommandContext },
        ) => Promise<ReplyOf<A> & { status: Status }>
      },
  ): Operation<Parts> {
    return erased(spec, !spec.isRead)
  }

  /** A command: like `operation`, and its reply names what the bus has handled, for the wait and the replay's header. */
  function write<
    A extends Answers,
    P extends z.ZodObject = Defaults[0],
    Q extends z.ZodObject = Defaults[1],
    H extends z.ZodObject = Defaults[2],
    C extends z.ZodObject = Defaults[3],
    B extends BodySpec | z.ZodType | undefined = Defaults[4],
    Facts = undefined,
    Status extends keyof A & number = keyof A & number,
    Acc extends Access = Access,
  >(
    spec: Described<P, Q, H, C, B, A, Code, Acc> &
      Commanded<Input<P, Q, H, C, B, Acc>, Facts> & {
        method?: Method
        handle: (
          request: Input<P, Q, H, C, B, Acc> & { facts: Facts; command: CommandContext },
        ) => Promise<ReplyOf<A> & { status: Status; handled: Handled }>
      },
  ): Operation<Parts> {
    return erased({ method: 'post' as const, ...spec }, true)
  }

  /** A GET that is answered with 200: its handler returns the body. */
  function read<
    S extends z.ZodType,
    P extends z.ZodObject = Defaults[0],
    Q extends z.ZodObject = Defaults[1],
    H extends z.ZodObject = Defaults[2],
    C extends z.ZodObject = Defaults[3],
    Acc extends Access = Access,
  >(
    spec: Omit<Described<P, Q, H, C, undefined, never, Code, Acc>, 'answers' | 'body'> & {
      answer: { kind: 'json'; schema: S; description: string }
      handle: (request: Input<P, Q, H, C, undefined, Acc>) => z.input<S> | FixedBody | Promise<z.input<S>>
    },
  ): Operation<Parts> {
    const { answer, handle, ...described } = spec
    const replied = async (request: never) => ({ status: 200, body: await handle(request) })
    return erased({ ...described, method: 'get' as const, answers: { 200: answer }, handle: replied }, false)
  }

  /** A GET of a page: `rows` reads one row more than the page has, and the kernel cuts it and makes the cursor. */
  function list<
    S extends z.ZodType,
    Row,
    Found extends { rows: readonly Row[] },
    After,
    PageOf extends Page<Row>,
    P extends z.ZodObject = Defaults[0],
    Q extends z.ZodObject = Defaults[1],
    Acc extends Access = Access,
  >(
    spec: Omit<Described<P, Q, None, None, undefined, never, Code, Acc>, 'answers' | 'body'> & {
      answer: { kind: 'json'; schema: S; description: string }
      paging: Paging<Row, After, PageOf>
      rows: (request: Input<P, Q, None, None, undefined, Acc> & { after: After; limit: number }) => Promise<Found>
      page: (page: Omit<PageOf, 'rows'> & { rows: Found['rows'][number][] }, found: Found) => z.input<S>
    },
  ): Operation<Parts> {
    const { answer, paging, rows, page, ...described } = spec
    const query = z.object({ ...described.query?.shape, ...paging.query })
    const handle = answered(described.id, paging as never, rows as never, page as never)
    return erased({ ...described, query, method: 'get' as const, answers: { 200: answer }, handle }, false, true)
  }

  /**
   * An operation whose requests and answers are too large, or too long, for the way of the others. The kernel finds out who asks
   * and how much, and refuses others. Reading, how many are under way, and every other answer are the handler's: `answers` names
   * all of its statuses, `refuses` the codes whose pages name the operation.
   */
  function direct<A extends Answers, H extends z.ZodObject, B extends BodySpec, Acc extends Access>(
    spec: Described<None, None, H, None, B, A, Code, Acc> & {
      handle: (call: Parts & DirectCall<PrincipalOf<Acc, Who>>) => Promise<void>
    },
  ): Operation<Parts> {
    return { ...erased<Parts>({ method: 'post' as const, ...spec }, false), isDirect: true }
  }

  return { operation, write, read, list, direct }
}

interface Erased extends Commanded<unknown, unknown> {
  id: string
  handle: Parameters<typeof once>[1]
}

/** The one place where an operation loses the types of its parts; `Described` has held them together until here. */
function erased<Parts>(spec: object, isCommand: boolean, isList = false): Operation<Parts> {
  const { key, action, facts, scope, fingerprint, correlation, keeps, ...described } = spec as Erased
  const commanded = { key, action, facts, scope, fingerprint, correlation }
  const handle = keeps ? once(described.id, described.handle, keeps) : described.handle
  return { refuses: [], isList, ...described, handle, isCommand, commanded } as unknown as Operation<Parts>
}
