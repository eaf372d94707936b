/**
 * The rules of the house, read from the source itself: who may import whom, what a decision may not know, how long a
 * file and a function may be, and which traps of this stack are never stepped into. Each test lists what breaks its
 * rule, so that a failure says where to look.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ContextName, contextNames } from '../src/contexts.ts'
import { EVENT_TYPE } from '../src/events/event.ts'
import { eventSchemas } from './support/contexts.ts'
import { filesUnder, type Import, root, type SourceFile } from './support/source.ts'

const sources = filesUnder('src')
const tests = filesUnder('test')

/** `src/events/noctant/user.ts` → `events`; files right under src are of the layer `main`. */
const layerOf = (path: string): string => path.match(/^src\/([^/]+)\//)?.[1] ?? 'main'
/** Those that are served, and those that are still built: a file of `src/contexts` makes one. */
const contexts = readdirSync(join(root, 'src/contexts')).map((file) => file.replace(/\.ts$/, ''))
const contextOf = (path: string): string | undefined => {
  const name = path.match(/^src\/contexts\/([^/]+)\.ts$/)?.[1] ?? path.match(/^src\/[^/]+\/([^/]+)\//)?.[1]
  return name !== undefined && contexts.includes(name) ? name : undefined
}
const isServed = (path: string): boolean => contextNames.includes(contextOf(path) as ContextName)

/** What may import the files of any context: the list of them, and the pages that show them. */
const COMPOSITION = /^src\/contexts\.ts$|^src\/console\//

interface LayerRule {
  /** Other layers of ours that it may import. */
  layers: readonly string[]
  /** Packages that it may import; node's own modules are free, and so is zod. `undefined`: any. */
  packages?: readonly string[]
  /** What it may import beside those layers: no more of a layer than these files, each for the reason that is given. */
  doors?: readonly Door[]
}
interface Door {
  to: RegExp
  why: string
  /** Its types alone. */
  isTypesOnly?: true
}
const web = ['hono', '@hono/zod-openapi', '@hono/node-server', 'ws', '@scalar/fastify-api-reference']

/** Who may import whom (docs/architecture.md). Every layer may use src/runtime and the types of src/config.ts and src/log.ts. */
const rules: Record<string, LayerRule> = {
  runtime: { layers: [], packages: ['lru-cache'] },
  eventstore: { layers: [], packages: ['@eventstore/db-client', '@grpc/grpc-js'] },
  postgres: { layers: [], packages: ['pg', 'pg-protocol', 'kysely'] },
  gateway: { layers: [], packages: ['nats'] },
  engine: {
    layers: [],
    packages: ['decimal.js', 'hono', '@hono/node-server'],
    doors: [{ to: /^gateway\/(contract|stream)\.ts$/, why: 'It is the other end of the same wire.' }],
  },
  adapters: {
    layers: [],
    packages: [
      ...['@aws-sdk/client-s3', 'sharp', 'file-type', 'mediabunny', 'stripe', 'espeak-ng', '@gltf-transform/core'],
      '@opentelemetry/api',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-metrics',
      '@opentelemetry/sdk-trace-node',
      ...['@opentelemetry/exporter-metrics-otlp-http', '@opentelemetry/exporter-trace-otlp-http'],
      ...['undici', '@pydantic/genai-prices', 'picomatch', 'decimal.js', 'nodemailer', 'gpt-tokenizer', 'viem', 'jose'],
      ...['@x402/core', '@x402/evm', 'yauzl', '@fastify/busboy'],
    ],
  },
  embedded: { layers: [] },
  // The composition of what stands behind an instance.
  services: { layers: ['embedded', 'gateway', 'eventstore', 'postgres'] },
  events: { layers: ['eventstore'], packages: [] },
  commands: { layers: ['events'], packages: ['decimal.js', 'lru-cache'] },
  projections: { layers: ['events', 'postgres'], packages: ['kysely', 'decimal.js'] },
  processes: {
    layers: ['events', 'commands', 'projections', 'postgres'],
    packages: ['kysely', 'decimal.js', 'undici', 'pino'],
  },
  'api-keys': { layers: ['events', 'commands', 'projections', 'postgres'], packages: [] },
  webhooks: {
    layers: ['events', 'commands', 'projections', 'postgres'],
    packages: ['kysely'],
    doors: [
      {
        to: /^processes\/(process|due-work)\.ts$/,
        why: 'Deliveries are a process, and due work has one part for all.',
      },
    ],
  },
  vault: { layers: ['events', 'commands', 'projections', 'postgres'], packages: ['kysely'] },
  audit: { layers: ['events', 'commands', 'projections', 'postgres'], packages: ['decimal.js'] },
  http: {
    layers: ['events', 'commands', 'projections', 'api-keys', 'audit'],
    packages: [...web, 'decimal.js', 'prom-client', 'yaml'],
  },
  contexts: { layers: ['*'] },
  cli: { layers: ['*'] },
  console: { layers: ['*'] },
  main: { layers: ['*'] },
}
/** What a context's folder may import in addition to what its layer may. */
const more: Record<string, readonly Door[]> = {
  events: [
    {
      to: /^gateway\/contract\.ts$/,
      why: 'What an engine says is recorded in the shapes that it arrives in, which are declared once.',
    },
  ],
  commands: [
    {
      to: /^webhooks\/(endpoint|delivery|places|replay)\.ts$|^api-keys\/keys\.ts$/,
      why: 'Deciders that contexts share, as pure as their own: the tests of decisions below look at them too.',
    },
    { to: /^api-keys\/key-text\.ts$/, why: 'The texts of keys are made beside the decisions that issue them.' },
    {
      to: /^adapters\/llm\/(cost|price-table|prompt-size)\.ts$/,
      why: 'What a call may cost is decided by the arithmetic that settles it, which asks nobody.',
    },
    { to: /^adapters\/chain\/abi\/v3\.ts$/, why: 'The words of a contract on a chain, and nothing that calls it.' },
  ],
  projections: [
    { to: /^webhooks\/tables\.ts$/, why: 'Tables of webhooks, under a context’s names.' },
    { to: /^api-keys\/key-directory\.ts$/, why: 'A read model in memory, of keys.' },
  ],
  processes: [
    {
      to: /^webhooks\/(process|attempt|endpoint|secret|settings|signing|tables)\.ts$/,
      why: 'The process that any context may run.',
    },
    {
      to: /^webhooks\/(address|request)\.ts$/,
      why: 'What a job fetches, and what is told of its end, goes through the one guard of what leads outside.',
    },
    { to: /^api-keys\/key-text\.ts$/, why: 'A first run, and a mail, hand out keys.' },
    { to: /^vault\/(key-ring|object-keys)\.ts$/, why: 'Secrets are opened where they are used.' },
    { to: /^gateway\/(contract|stream)\.ts$/, why: 'Commands go out to the engine, and its events come in.' },
    { to: /^adapters\//, why: 'Outside services are called from processes.' },
  ],
  http: [
    { to: /^processes\//, why: 'What a request begins a process may finish, by the same steps.' },
    { to: /^adapters\//, why: 'A request may call an outside service itself, as a proxy does.' },
    { to: /^webhooks\/(address|request|secret|endpoint)\.ts$/, why: 'Addresses are vetted before they are kept.' },
    { to: /^vault\/object-keys\.ts$/, why: 'What is shown once, or to few, is opened for the answer.' },
    {
      to: /^postgres\/failure\.ts$/,
      why: 'A socket tells its client that the read models are away.',
    },
    {
      to: /^postgres\/database\.ts$/,
      why: 'Queries of the projections are handed the read models.',
      isTypesOnly: true,
    },
  ],
}

/** Packages that every layer may import. */
const FREE = ['zod']
const LEAVES = ['src/config.ts', 'src/log.ts']
/** Spans are made in every layer, and it imports nothing. */
const SEAM = 'src/telemetry.ts'
/** Its types are what a context's parts are given. */
const CONTEXT_TYPES = 'src/context.ts'

const doorsOf = (file: SourceFile): readonly Door[] => {
  const layer = layerOf(file.path)
  return [...(rules[layer]?.doors ?? []), ...(contextOf(file.path) === undefined ? [] : (more[layer] ?? []))]
}
const opens = ({ to, isTypesOnly }: Door, { target, isTypeOnly }: Import): boolean =>
  to.test(target.replace(/^src\//, '')) && (!isTypesOnly || isTypeOnly)

function isForbidden(file: SourceFile, imported: Import): boolean {
  const { target, isPackage, isTypeOnly } = imported
  const layer = layerOf(file.path)
  const rule = rules[layer]
  if (!rule) return true
  if (rule.layers.includes('*')) return false
  if (isPackage) {
    if (target.startsWith('node:') || FREE.includes(target) || !rule.packages) return false
    return !rule.packages.includes(target)
  }
  const other = layerOf(target)
  if (other === layer || other === 'runtime' || target === SEAM || rule.layers.includes(other)) return false
  if (LEAVES.includes(target)) return !isTypeOnly
  if (contextOf(file.path) !== undefined && target === CONTEXT_TYPES) return !isTypeOnly
  return !doorsOf(file).some((door) => opens(door, imported))
}

/**
 * Addresses beside a contract's operations, which answer on Hono themselves: pages for people, links of objects, and what a
 * payment provider posts. No other file of a context knows Hono; its operations are values.
 */
const BESIDE_OPERATIONS = [
  ...['billing/stripe-webhook', 'objects/object-routes', 'pages'].map((name) => `firsthand/${name}`),
  ...['work-html', 'work-pages', 'work-session', 'work-steps'].map((name) => `firsthand/work/${name}`),
  ...['arcade/pages', 'auth/cookie', 'media/file-pages', 'skill/pages', 'studio/file-routes'].map(
    (name) => `killatamata/${name}`,
  ),
  ...['launch-html', 'launch-page'].map((name) => `noctant/launches/${name}`),
  ...['cookie', 'pages'].map((name) => `rungate/people/${name}`),
].map((path) => `src/http/${path}.ts`)

/** Pages for people, which are made of markup: the console's own, and those that a context declares. */
const CONSOLE_PAGES = /^src\/http\/(\w+\/)?console\//

/** Tests that may name contexts; all others of the kernel stand on test/sample, which stays when contexts come and go. */
const ABOUT_CONTEXTS: readonly { tests: RegExp; why: string }[] = [
  { tests: /^(cli|system|faults)\//, why: 'Whole instances and the command line, which are put together of contexts.' },
  { tests: /^(sdk|scripts)\//, why: 'What is made of contexts’ documents.' },
  { tests: /^support\//, why: 'What starts whole instances, and an example of every event of every context.' },
  { tests: /^\w+\.test\.ts$/, why: 'The repository as a whole: its rules, manifests, documents and projects.' },
  {
    tests: /^http\/(api|conforms)\.ts$/,
    why: 'They serve the contexts that a test’s project loads, and know their documents.',
  },
  { tests: /^suites\/api\.ts$/, why: 'It serves them without limits by the minute.' },
  { tests: /^http\/contexts-together\.test\.ts$/, why: 'What holds where contexts are served side by side.' },
  { tests: /^http\/router\.test\.ts$/, why: 'How the paths of the contexts there are can be found.' },
  {
    tests: /^(embedded\/market|services)\//,
    why: 'The local market is a file of ostium’s name in the data directory.',
  },
  {
    tests: /^adapters\/inspection\/bad-pictures\.test\.ts$/,
    why: 'The formats that a context takes are all inspected.',
  },
]

/** A kernel file that imports what belongs to a context. */
const knowsContext = (file: SourceFile, { target, isPackage }: Import): boolean =>
  !isPackage && !COMPOSITION.test(file.path) && contextOf(file.path) === undefined && contextOf(target) !== undefined

const listed = (pick: (file: SourceFile) => readonly string[], files = sources): string[] =>
  files.flatMap((file) => pick(file).map((fault) => `${file.path}: ${fault}`))

describe('imports', () => {
  it('every folder under src is a layer with a rule', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name).filter((name) => !(name in rules))).toStrictEqual([])
  })

  it('follow the table of layers', () => {
    const found = listed((file) =>
      file.imports
        .filter((imported) => isForbidden(file, imported) || knowsContext(file, imported))
        .map(({ target }) => target),
    )
    expect(found).toStrictEqual([])
  })

  it('need every door that the table has beside its layers', () => {
    const all = [...Object.values(rules).flatMap(({ doors = [] }) => doors), ...Object.values(more).flat()]
    const used = new Set(
      sources.flatMap((file) =>
        doorsOf(file).filter((door) => file.imports.some((each) => !each.isPackage && opens(door, each))),
      ),
    )
    expect(all.filter((door) => !used.has(door)).map(({ to }) => String(to))).toStrictEqual([])
  })

  it('of Hono stand in the kernel, and in what a context has beside its operations', () => {
    const isHono = ({ target }: Import) => target === 'hono' || target === '@hono/node-server'
    const isOperations = (path: string) => contextOf(path) !== undefined && !CONSOLE_PAGES.test(path)
    const found = sources.filter(({ path, imports }) => isOperations(path) && imports.some(isHono))
    expect(found.map(({ path }) => path).sort()).toStrictEqual(BESIDE_OPERATIONS.toSorted())
  })

  it('never lead from one context to another', () => {
    const faults = listed(({ path, imports }) => {
      const own = contextOf(path)
      if (own === undefined) return []
      return imports
        .filter(({ target, isPackage }) => !isPackage && ![undefined, own].includes(contextOf(target)))
        .map(({ target }) => target)
    })
    expect(faults).toStrictEqual([])
  })

  it('name the package directly, and package.json names it too', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const runtime = Object.keys(manifest.dependencies)
    const all = [...runtime, ...Object.keys(manifest.devDependencies)]
    const undeclared = (known: string[]) => (file: SourceFile) =>
      file.imports
        .filter(({ isPackage, target }) => isPackage && !target.startsWith('node:') && !known.includes(target))
        .map(({ target }) => target)
    expect([...listed(undeclared(runtime)), ...listed(undeclared(all), tests)]).toStrictEqual([])
  })

  it('form no circle at run time', () => {
    const edges = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.filter((i) => !i.isPackage && !i.isTypeOnly).map((i) => i.target),
      ]),
    )
    const done = new Set<string>()
    const circles: string[] = []
    const walk = (path: string, trail: string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      if (trail.includes(path) || done.has(path)) return
      for (const next of edges.get(path) ?? []) walk(next, [...trail, path])
      done.add(path)
    }
    for (const path of edges.keys()) walk(path, [])
    expect(circles).toStrictEqual([])
  })
})

describe('walls', () => {
  /** Functions, classes and values of a wall that the rest of the source imports; types are free. */
  const exportsOf = (wall: string): string[] => {
    const outside = sources.filter(({ path }) => layerOf(path) !== wall)
    const imported = outside.flatMap(({ imports }) => imports.filter(({ target }) => layerOf(target) === wall))
    return [...new Set(imported.flatMap(({ target, valueNames }) => valueNames.map((name) => `${target}: ${name}`)))]
  }

  it.each(['eventstore', 'postgres', 'gateway'])('%s opens at most ten doors', (wall) => {
    const doors = exportsOf(wall)
    expect(doors.length).toBeGreaterThan(2)
    expect(doors.length, doors.sort().join('\n')).toBeLessThanOrEqual(10)
  })

  it('alone reach into private parts of the packages that they hide', () => {
    const walls = ['eventstore', 'postgres', 'gateway', 'embedded']
    const hidden = /^(@eventstore\/db-client|@grpc\/grpc-js|pg|pg-protocol|nats)(\/|$)/
    const reaching = listed(({ path, imports }) =>
      walls.includes(layerOf(path)) ? [] : imports.map(({ target }) => target).filter((target) => hidden.test(target)),
    )
    expect(reaching).toStrictEqual([])
  })
})

describe('decisions', () => {
  const clocks = [
    'new Date()',
    'Date.now',
    'performance.now',
    'process.hrtime',
    'setTimeout',
    'setInterval',
    'setImmediate',
  ]
  const chance = ['Math.random', 'randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'crypto.randomUUID']
  const world = ['process.env', 'fetch', 'console.log']
  /** handle.ts and desk.ts name an execution, the others make and seal secrets; none of them decides anything. */
  const mayUse: Record<string, readonly string[]> = {
    'src/commands/handle.ts': ['randomUUID'],
    'src/commands/desk.ts': ['randomUUID'],
    'src/api-keys/key-text.ts': ['randomBytes'],
    'src/webhooks/secret.ts': ['randomBytes'],
  }

  /** Also in what several contexts share. */
  const isDecider = (text: string) => /: (Aggregate|Decider)<|\baggregateOf[<(]/.test(text)

  it('know no clock, no chance and nothing of the world outside', () => {
    const commands = sources.filter(({ path, text }) => layerOf(path) === 'commands' || isDecider(text))
    const faults = listed(
      ({ path, uses }) =>
        uses
          .filter(({ name }) => [...clocks, ...chance, ...world].includes(name) && !mayUse[path]?.includes(name))
          .map(({ name, line }) => `${name} in line ${line}`),
      commands,
    )
    expect(faults).toStrictEqual([])
  })

  it('are pure down to their imports: a decider takes nothing random from its neighbours', () => {
    const deciders = sources.filter(({ text }) => isDecider(text))
    expect(deciders.length).toBeGreaterThan(2)
    const faults = listed(
      ({ imports }) =>
        imports
          .map(({ target }) => target)
          .filter((target) => target in mayUse && !/commands\/(handle|desk)\.ts$/.test(target)),
      deciders,
    )
    expect(faults).toStrictEqual([])
  })
})

describe('event types', () => {
  it('match the pattern, in the context of their folder, and are registered', async () => {
    const files = sources.filter(({ path }) => layerOf(path) === 'events' && isServed(path))
    const found: string[] = []
    for (const { path } of files) {
      const exported: Record<string, unknown> = await import(join(root, path))
      const maps = Object.values(exported).filter((value) => typeof value === 'object' && value !== null)
      for (const [type, schema] of maps.flatMap((map) => Object.entries(map as object))) {
        if (typeof schema === 'string') continue
        if (!EVENT_TYPE.test(type)) continue
        expect(type.startsWith(`${contextOf(path)}.`), `${type} in ${path}`).toBe(true)
        expect(eventSchemas[type], `${type} of ${path} in the registry`).toBe(schema)
        found.push(type)
      }
    }
    const registered = Object.keys(eventSchemas).filter((type) => !type.startsWith('opslog.'))
    expect(found.sort()).toStrictEqual(registered.sort())
    expect(Object.keys(eventSchemas).filter((type) => !EVENT_TYPE.test(type))).toStrictEqual([])
  })

  it('that the code speaks of exist', () => {
    const looksLikeOne = new RegExp(`^(opslog|${contextNames.join('|')})\\.[A-Z]\\w*\\.v\\d+$`)
    expect(
      listed(({ strings }) => strings.filter((text) => looksLikeOne.test(text) && !(text in eventSchemas))),
    ).toStrictEqual([])
  })
})

describe('the kernel', () => {
  /** Lines that each part of the kernel may have, contexts' folders not counted: the sizes of today, to be brought down. */
  const budgets: readonly (readonly [folders: readonly string[], linesMax: number])[] = [
    // Grown by the watchdog of subscriptions, which lets an idle log have one heartbeat a minute, and by the credential of a
    // store that speaks no TLS. And by the facts of mails, and by events that are told under several names.
    // And by what contexts declare of persons and things, which the code went by names for.
    // And by sentences about bounds that are no settings, as elsewhere. And by the facts of webhooks, which stood with
    // their deliveries. And by reads of the log from its end. And by spans, which OpenTelemetry is told of.
    [['events', 'eventstore'], 3_540],
    // Grown by states kept on the way, so that a repeat of an old key costs a small part of its stream. And by desks, which
    // decide in groups on streams of many writers, whose books are closed and opened. And by mails. And by causes, which make
    // traces trees. And by commands that wait for the same stream, which are appended together.
    // And by states in memory that are bounded in bytes. And by time that counts for whoever asked.
    // And by spans, which OpenTelemetry is told of.
    // And by keys of requests that are kept apart, and by streams that are not read twice.
    // And by objects of each request that are made in one go: one of several spreads takes ten times as long.
    [['commands'], 1_451],
    // Grown by sessions of hosted pages that were signed out of.
    // And by mails that are due, and the local mailbox.
    // And by faults that all processes of an installation know of.
    // And by pages of any table, for people who look through it.
    // And by spans, which OpenTelemetry is told of.
    // And by addresses of mails that PostgreSQL cannot hold.
    [['projections', 'postgres'], 3_951],
    // Grown by the start's waiting for services, which stood at the root, and by an order that holds over pauses.
    // And by the process that sends mails, and by faults beside which a process goes on.
    // And by notes of such faults for other processes, and by the pace of work that is due, which is one for all.
    [['processes'], 1_017],
    // Grown by sealed positions, by principals that are typed by their access, by documents that explain themselves,
    // by a page for each refusal, by bounds on addresses and connections, with an address of its own for figures,
    // and by requests that bring files, which have a time limit of their own.
    // And by operations beside a contract, with a document of their own, and the cookies of hosted pages of two contexts.
    // And by refusals whose form goes by how an address is signed in to, and by what one tenant takes at a time of the
    // process that all share, while others ask. And by requests that are begun in turn, and answers that nobody takes.
    // And by operations that take Node's request and answer themselves.
    // And by answers that prolong a cookie, and by headers, which a document names each, those of direct operations too.
    // And by reads whose handlers answer with headers of their own, and need no command.
    // And by what callers take of the loop, which is measured, and by which they are served.
    // And by bodies of refusals in the documents, documents as one text, and pages of refusals for programs.
    // And by what one owner holds of a process, which two contexts had for themselves.
    // And by direct operations, which are counted like others, by what they and commands do behind an await, by pages that
    // are made once and have tags, and by sentences about bounds.
    // And by callers who name somebody without a key: heads that are looked at first, counts of addresses under other names,
    // details of refusals, JSON under other types, and sockets that are asked whether they are still there, or told to wait.
    // And by what is sent, which counts for whoever asked, and by pages of contexts' own refusals.
    // And by what pages of the console are made of, which every context declares, and by the page at the root.
    // And by spans, which OpenTelemetry is told of.
    // And by keys of requests that are kept apart, which two contexts have.
    // And by objects of each request that are made in one go, and by routes that are found once.
    // And by refusals that say which alternative of several is meant, and by numbers that are no objects.
    [['http'], 6_801],
    // Grown by the key directory, which every context had for itself, and by bodies that are made at each attempt. And by
    // directories over streams of several kinds, whose keys may be rotated in place, and which forget what has ended. And by seals
    // that are posted, and by directories of which other rows are asked too.
    // And by events that are told under several names, webhooks that choose among them, an order that deliveries keep, and trials.
    // And by keys that go with their rows.
    // And by spans, which OpenTelemetry is told of.
    // And by keys of a form of their own, which is found once.
    [['api-keys', 'webhooks'], 2_505],
    // Grown by the address that links lead to, by the keys with which tenants read their own log, by a context, and by
    // the address at which newcomers register, which a start shows, and by where seals are posted to.
    // And by callers and turns, which server and application share.
    // And by settings that were bare numbers, and by what readiness shows of a context's API.
    // And by the way into the console, and the settings shown there.
    // And by spans, which OpenTelemetry is told of.
    [['main'], 1_507],
  ]

  it.each(budgets)('keeps %s within %i lines', (folders, linesMax) => {
    // A line for each context stands there.
    const own = sources.filter(({ path }) => contextOf(path) === undefined && path !== 'src/contexts.ts')
    const counted = own.filter(({ path }) => folders.includes(layerOf(path)))
    expect(counted.reduce((sum, { lineCount }) => sum + lineCount, 0)).toBeLessThanOrEqual(linesMax)
  })
})

describe('tests of the kernel', () => {
  const layers = Object.keys(rules)
  const names = contexts.filter((name) => !layers.includes(name))
  const naming = tests.filter(({ path, text }) => {
    const [, ...folders] = path.split('/').slice(0, -1)
    const isContexts = folders.some((folder) => contexts.includes(folder) && folder !== folders[0])
    const isExample = path.startsWith('test/support/examples/')
    return !isContexts && !isExample && new RegExp(names.join('|'), 'i').test(text)
  })
  const isListed = (path: string) => ABOUT_CONTEXTS.some((each) => each.tests.test(path.replace(/^test\//, '')))

  it('name no context, but for those that are about contexts', () => {
    expect(naming.map(({ path }) => path).filter((path) => !isListed(path))).toStrictEqual([])
  })

  it('are listed as about contexts only where they are', () => {
    const idle = ABOUT_CONTEXTS.filter((each) => !naming.some(({ path }) => each.tests.test(path.replace('test/', ''))))
    expect(idle.map((each) => String(each.tests))).toStrictEqual([])
  })
})

describe('files', () => {
  it('are at most 300 lines', () => {
    expect(listed(({ lineCount }) => (lineCount > 300 ? [`${lineCount} lines`] : []))).toStrictEqual([])
  })

  it('hold functions of at most 70 lines, not counting the functions inside', () => {
    const long = ({ functions }: SourceFile) =>
      functions.filter(({ ownLines }) => ownLines > 70).map((f) => `${f.name}, line ${f.line}, has ${f.ownLines} lines`)
    expect(listed(long)).toStrictEqual([])
  })

  it('say at their head why they exist', () => {
    const silent = sources.filter(({ text }) => !/^(#![^\n]*\n)?\/\*\*/.test(text))
    expect(silent.map(({ path }) => path)).toStrictEqual([])
  })

  it('have a sentence for each bound of the kernel that is no setting, which says where it comes from', () => {
    const bound = /(^|_)(MAX|MIN|LIMITS?|BATCH|MS|S|BYTES|ATTEMPTS|TTL|PERCENT|LENGTH|DEPTH|COUNT)(_|$)/
    const unit = /^(SECOND|MINUTE|HOUR|DAY)S?_M?S$/
    const declared = /^(?:export )?const ([A-Z][A-Z0-9_]*) = (?:[-\d(]|\{ \w+: \d)/
    const ofOthers = ['cli', 'console', 'embedded', 'engine', 'main']
    const silent = ({ path, text }: SourceFile) => {
      if (contextOf(path) !== undefined || ofOthers.includes(layerOf(path))) return []
      const lines = text.split('\n')
      return lines.flatMap((line, index) => {
        const [, name = ''] = declared.exec(line) ?? []
        if (!bound.test(name) || unit.test(name)) return []
        // Some stand together under one sentence.
        let above = index - 1
        while (declared.test(lines[above] ?? '')) above -= 1
        return /\*\/$|^\/\/ /.test(lines[above] ?? '') ? [] : [name]
      })
    }
    expect(listed(silent)).toStrictEqual([])
  })

  it('are no barrels, and stand in no drawer for odds and ends', () => {
    const barrels = sources.filter(({ path, reexportsOnly }) => reexportsOnly || path.endsWith('/index.ts'))
    const drawers = sources.filter(({ path }) => /\/(core|shared|common|utils?|helpers?|misc|lib)(\/|\.ts)/.test(path))
    expect([...barrels, ...drawers].map(({ path }) => path)).toStrictEqual([])
  })

  it('leave nothing for later', () => {
    const marker = /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/
    expect(
      listed(({ comments }) => comments.filter((text) => marker.test(text)), [...sources, ...tests]),
    ).toStrictEqual([])
  })

  it('in test/ skip nothing and single nothing out', () => {
    const shortened = /\b(describe|it|test)(\.\w+)*\.(skip|only|todo|skipIf|fails)\b/
    const faults = ({ text }: SourceFile) => text.split('\n').filter((line) => shortened.test(line))
    expect(listed(faults, tests)).toStrictEqual([])
  })

  it('in test/ leave nothing out by circumstance, but where a real event store takes the place of ours', () => {
    /** prlimit is in Debian's util-linux, so it is there wherever CI runs. */
    const conditional = /\b(describe|it|test)(\.\w+)*\.runIf\((?!!process\.env\.EVENTSTORE_URL\)|hasPrlimit\(\)\))/
    const faults = ({ text }: SourceFile) => text.split('\n').filter((line) => conditional.test(line))
    expect(listed(faults, tests)).toStrictEqual([])
  })
})

describe('traps of this stack', () => {
  it('appends always expect an exact revision', () => {
    const faults = ({ imports }: SourceFile) =>
      imports
        .filter(({ target, names }) => target === '@eventstore/db-client' && names.includes('ANY'))
        .map(() => 'ANY')
    expect(listed(faults)).toStrictEqual([])
  })

  it('positions and revisions are never narrowed to a double', () => {
    const narrowed = /(Number|parseInt|parseFloat)\([^()]*\b(position|revision|commitPosition|checkpoint)\b/gi
    /** There the revision counts attempts or an account's engine events, and the event carries it as a JSON integer. */
    const counts = ['src/processes/noctant/engine-ingest.ts', 'src/processes/noctant/relay.ts']
    const ours = sources.filter(({ path }) => layerOf(path) !== 'embedded' && !counts.includes(path))
    expect(listed(({ text }) => text.match(narrowed) ?? [], ours)).toStrictEqual([])
  })

  it('no handler of events overlaps with itself', () => {
    expect(listed(({ text }) => text.match(/\.on\('data', async/g) ?? [])).toStrictEqual([])
  })

  it('the environment is read in one place', () => {
    const readers = sources.filter(({ path, uses }) => {
      const mayRead = ['main', 'cli', 'embedded', 'runtime'].includes(layerOf(path))
      return !mayRead && uses.some(({ name }) => name === 'process.env')
    })
    expect(readers.map(({ path }) => path)).toStrictEqual([])
  })

  it('only the command line writes to the terminal', () => {
    const faults = ({ path, uses }: SourceFile) =>
      ['main', 'cli'].includes(layerOf(path))
        ? []
        : uses.map(({ name }) => name).filter((name) => /^console\./.test(name))
    expect(listed(faults)).toStrictEqual([])
  })
})
