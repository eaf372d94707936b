/**
 * Answers whose headers are a plain object until they are written. Hono gathers headers in a Headers object, copies it into
 * the answer, and the adapter turns that into a plain object again, sorted: with the half dozen that each of our answers
 * carries, a tenth of what a request for one row costs. Here `c.header` fills a plain object and `c.json` answers with it,
 * which the adapter passes on as it is.
 *
 * Both functions have a name before they are put into the context. A function literal that is assigned to a property is
 * one of V8's signs of a method, which it makes in the old generation; with it everything that it can see, here a whole
 * request, would stay until a full collection.
 */
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

/** Readies a request's context; what it returns is to be called once the answer is there. */
export function answerPlainly(c: Context<AppEnv>): () => void {
  const headers: Record<string, string> = {}
  let answer: Response | undefined
  const header = c.header
  const json = c.json
  const gather: typeof header = (name, value, options) => {
    if (value === undefined || options?.append || c.finalized) header(name, value, options)
    else headers[name.toLowerCase()] = value
  }
  const answerWith = (document: object, status: number | ResponseInit = 200, own?: Record<string, string>) => {
    if (typeof status !== 'number') return json(document, status as never, own)
    const all = { 'content-type': 'application/json', ...headers, ...own }
    answer = new Response(JSON.stringify(document), { status, headers: all })
    return answer
  }
  c.header = gather
  c.json = answerWith as typeof json
  return () => {
    // Pages and the like are made by Hono, without the headers that were gathered here.
    if (c.res === answer) return
    for (const [name, value] of Object.entries(headers)) if (!c.res.headers.has(name)) c.res.headers.set(name, value)
  }
}
