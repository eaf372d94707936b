/**
 * What a context declares of its pages in the console: pages for people, made on the server, under `/console`. The console
 * gathers the declarations as the API gathers operations: it draws the frame, finds out who looks, and refuses. A view gets
 * the context's own parts and gives markup.
 */
import type { html } from 'hono/html'
import type { CommandContext } from '../../commands/handle.ts'
import type { Actor } from '../../events/event.ts'
import type { Filter } from '../../projections/listing.ts'
import type { Table } from '../../projections/projection.ts'
import type { Verdict } from '../access.ts'
import type { ContextApi, SharedRuntime } from '../context.ts'
import type { Sealer } from '../cursor.ts'
import type { Principal } from '../environment.ts'
import type { Caller, CoreParts } from '../operation.ts'

/** What `html` makes: every text in it is escaped. */
export type Markup = ReturnType<typeof html> | string

/** Who looks: whoever runs the installation, a tenant by its key, or an auditor. */
export type Audience = 'administrator' | 'operator' | 'auditor'

export interface Viewer {
  audience: Audience
  /** Whether it may do more than look. */
  mayAct: boolean
  /** The context whose key signed in; undefined: an administrator. */
  context: string | undefined
  /** As the API of that context knows it. */
  principal: Principal | undefined
  /** Recorded as the author of what is done. */
  actor: Actor
  sessionId: string
  name: string
}

/** The tenant whose things alone are shown; undefined: those of all. */
export const tenantOf = ({ principal }: Viewer): string | undefined => principal?.tenantId

/** Whether the viewer's key has the scope; administrators have every one. */
export const hasScope = ({ principal }: Viewer, scope: string): boolean => principal?.scopes.includes(scope) ?? true

/** Where a page stands in the navigation. */
export const groups = ['overview', 'operate', 'audit', 'run', 'administer'] as const
export type Group = (typeof groups)[number]

/** One look at a page. */
export interface Asked<Parts> {
  parts: Parts
  viewer: Viewer
  /** Of the path, decoded. */
  params: Readonly<Record<string, string>>
  query: URLSearchParams
  /** The path under `/console`, without its query. */
  path: string
  /** Name of the region that alone is asked for; undefined: the whole page. */
  part: string | undefined
  caller: Caller
  sealer: Sealer
  now: Date
  /** What the process knows of itself: how it is doing, and what it has answered lately. */
  runtime: SharedRuntime
  plotting: Plotting
}

/** Points at Unix seconds. `step` holds until its next point, `level` over the whole time, `mark` is of moments. */
export interface Line {
  label: string
  points: readonly (readonly [atS: number, value: number | null])[]
  as?: 'step' | 'level' | 'mark'
}

/** `name` stands in the address of its figures, `says` where they come from. `isFitted`: its least value is no zero. */
export type Plot = Record<'name' | 'title' | 'unit' | 'says', string> & { lines: readonly Line[]; isFitted?: boolean }

/** What rows of a table come to in each step: their number by a column's values, or what is measured of them. */
export interface Series {
  table: Table
  at: string
  by?: string
  /** Of a column, or the milliseconds between two: a sum, the last one, or percentiles (0.99), which are lines each. */
  measure?: { of: string | readonly [from: string, to: string]; as: 'sum' | 'last' | readonly number[] }
  filters?: readonly Filter[]
}

export interface Plotting {
  /** The time that the address asks for, and its steps. */
  span: { from: Date; until: Date; stepS: number }
  series: (of: Series) => Promise<Line[]>
  draw: (plot: Plot) => Markup
}

/** What a view shows. */
export interface Shown {
  /** Of the page, its heading too; default: as it is declared. */
  title?: string
  /** Behind the heading. */
  content: Markup
  /** Regions that are asked for alone, by name. */
  parts?: Readonly<Record<string, () => Markup | Promise<Markup>>>
  /** For `?format=csv` and `?format=json`. */
  sheet?: Sheet
  /** Names of actions that make no sense now: they are left out. */
  without?: readonly string[]
  status?: 404
}

export interface Sheet {
  columns: readonly string[]
  rows: readonly (readonly unknown[])[]
}

/** Undefined: there is no such thing, or none for this viewer. A text: the address under `/console` where it is. */
export type View<in Parts> = (asked: Asked<Parts>) => Promise<Shown | string | undefined>

interface Admitting {
  audience: readonly Audience[]
  /** What the key of an operator, or of an auditor, has to have. */
  scopes?: readonly string[]
}

export interface PageDeclaration<in Parts = never> extends Admitting {
  /** Under `/console`: `/noctant/accounts/:id`. */
  path: string
  title: string
  group: Group
  /** Pressed after `g`, it leads there. */
  key?: string
  /** Whether the navigation leads to it; default: where its path has no parameters. */
  isListed?: boolean
  view: View<Parts>
}

/** A field of an action's form. */
export interface FormField {
  name: string
  label: string
  kind?: 'text' | 'area' | 'number' | 'time' | 'choice' | 'check'
  choices?: readonly (readonly [value: string, says: string])[]
  isRequired?: boolean
  value?: string
  /** What is to be entered, in a sentence. */
  hint?: string
  lengthMax?: number
}

/** What an action would do, before it does it. */
export interface Prepared {
  /** What will happen to what, in numbers. */
  says: Markup
  /** Default: those of the declaration. */
  fields?: readonly FormField[]
  /** What has to be typed where it cannot be undone. */
  confirm?: string
  /** Why it cannot be done now. */
  obstacle?: string
}

/** A form that was sent. */
export interface Acting<Parts> extends Asked<Parts> {
  form: URLSearchParams
  /** '' where none was given. */
  reason: string
  /** Made with the form: what is done under it is done once. */
  idempotencyKey: string
  /** Of a command that the action gives by itself; its id follows from the form's key. */
  command: CommandContext
}

/** What came of it. */
export interface Performed {
  /** One sentence. */
  message: string
  /** To what came of it: a command, a job, a trace. Paths under `/console`. */
  links?: readonly (readonly [text: string, path: string])[]
  /** Where the browser goes on, under `/console`; default: the thing. */
  to?: string
  /** Shown on the page that follows, and nowhere else: a key. */
  once?: Markup
}

export interface ActionDeclaration<in Parts = never> extends Admitting {
  /** The path of the thing's page: `/noctant/accounts/:id`. */
  of: string
  /** The last part of its own path: `/noctant/accounts/:id/actions/disable-trading`. */
  name: string
  /** The words on its button: `Disable trading`. */
  title: string
  /** Whether it asks for a reason; default: no. */
  reason?: 'required' | 'optional'
  fields?: readonly FormField[]
  prepare: (asked: Asked<Parts>) => Promise<Prepared | undefined>
  perform: (asked: Acting<Parts>) => Promise<Performed>
}

/** Something that a text names. */
export interface Hit {
  /** What it is, in a word or two. */
  kind: string
  name: string
  /** Under `/console`. */
  path: string
}

export interface Finder<in Parts = never> {
  /** What it looks for, in plural: `accounts`. */
  kind: string
  /** Things that this text is, or begins, an id of; at most a few. Those of the viewer's own alone. */
  find: (asked: Asked<Parts>, text: string) => Promise<readonly Hit[]>
}

/** A part of the overview. */
export interface Card<in Parts = never> extends Admitting {
  title: string
  /** Undefined: there is nothing to say. `isWrong`: somebody has to look at it. */
  view: (asked: Asked<Parts>) => Promise<{ content: Markup; isWrong?: boolean } | undefined>
}

/** A row that has come meanwhile, and the place behind which a lost line goes on. */
export interface LiveRow {
  id: string
  row: Markup
}

/** What brings the new rows of a page to those who follow it. */
export interface Live<in Parts = never> extends Admitting {
  /** The path of the page: `/events`; its own is `/events/live`. */
  of: string
  /** Rows behind this place, which a row before has named; undefined: those that come from now on. Ends with the signal. */
  follow: (asked: Asked<Parts>, after: string | undefined, signal: AbortSignal) => AsyncIterable<LiveRow>
}

/** How keys of a context sign in. */
export interface SignIn<in Parts = never> {
  /** Of the context's ways of signing in. */
  scheme: string
  audience: Exclude<Audience, 'administrator'>
  /** The id in a key's text. */
  keyIdOf: (text: string) => string | undefined
  /** What is known now of the key of this id, which signed in once. */
  again: (parts: Parts, keyId: string) => Verdict
}

export interface ContextConsole<in Parts = never> {
  /** As people know the context. */
  title: string
  /** Operators of every context see its pages, and not its own alone. */
  isForAll?: true
  signIn?: SignIn<Parts>
  pages: readonly PageDeclaration<Parts>[]
  actions?: readonly ActionDeclaration<Parts>[]
  finders?: readonly Finder<Parts>[]
  cards?: readonly Card<Parts>[]
  lives?: readonly Live<Parts>[]
}

/** What a context that is served declares, with what its views work on. */
export interface DeclaredConsole {
  api: Pick<ContextApi, 'name' | 'errors' | 'verifiers'>
  console: ContextConsole
  parts: CoreParts
}
