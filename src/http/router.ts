/**
 * The router of the application: one of the framework's for each first segment of a path. The framework has a fast router
 * that refuses some sets of paths (`/agents/:id` beside `/agents/by-name/:name`), and a slower one for all. Each context
 * gets the fastest that its own paths allow, whatever those of the others are.
 */
import type { Result, Router } from 'hono/router'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'

/** Methods are the client's: what is found for so many is remembered. */
const FOUND_MAX = 5_000

/** A first segment that is no parameter and no wildcard. */
const LITERAL = /^\/([^/:*{}]+)(?=\/|$)/
const FIRST = /^\/([^/]*)/

/** Keeps what the framework asks of a router: handlers of a path come in the order in which they were added. */
export class SegmentRouter<T> implements Router<T> {
  readonly name = 'SegmentRouter'
  readonly #ofSegment = new Map<string, Router<T>>()
  /** Paths without a parameter: what is found there once is found there again. */
  readonly #literal = new Set<string>()
  readonly #found = new Map<string, Result<T>>()
  /** For paths whose first segment nobody has named. */
  readonly #others = fastest<T>()
  /** What was added for every first segment so far. */
  readonly #forAll: [method: string, path: string, handler: T][] = []

  add(method: string, path: string, handler: T): void {
    const segment = LITERAL.exec(path)?.[1]
    if (!/[:*{}]/.test(path)) this.#literal.add(path)
    this.#found.clear()
    if (segment === undefined) this.#forAll.push([method, path, handler])
    const routers = segment === undefined ? [this.#others, ...this.#ofSegment.values()] : [this.#routerOf(segment)]
    for (const router of routers) router.add(method, path, handler)
  }

  match(method: string, path: string): Result<T> {
    if (!this.#literal.has(path)) return this.#search(method, path)
    const key = `${method} ${path}`
    const found = this.#found.get(key) ?? this.#search(method, path)
    if (this.#found.size < FOUND_MAX) this.#found.set(key, found)
    return found
  }

  #search(method: string, path: string): Result<T> {
    const router = this.#ofSegment.get(FIRST.exec(path)?.[1] ?? '') ?? this.#others
    return router.match(method, path)
  }

  /** Each segment's router by its name, for those who want to know which of the framework's it has. */
  chosen(): Map<string, string> {
    return new Map([...this.#ofSegment].map(([segment, { name }]) => [segment, name]))
  }

  #routerOf(segment: string): Router<T> {
    const known = this.#ofSegment.get(segment)
    if (known) return known
    const router = fastest<T>()
    for (const route of this.#forAll) router.add(...route)
    this.#ofSegment.set(segment, router)
    return router
  }
}

const fastest = <T>(): Router<T> => new SmartRouter<T>({ routers: [new RegExpRouter<T>(), new TrieRouter<T>()] })
