/** Files to fetch: `PUT /control/files/<name>` keeps the bytes with their type, `GET /files/<name>` serves them. And a redirect to anywhere. */
import { type Answering, jsonAnswer, type StandInPart, StandInRefusal } from './exchange.ts'
import type { StandInStore } from './store.ts'

const FILES = 'file'
/** Files that are kept. */
const KEPT_MAX = 200
const NAME = /^\/([\w.-]{1,200})$/

export function filesPart(store: StandInStore): StandInPart {
  const put: Answering = ({ method, path, headers, body }) => {
    const name = NAME.exec(path)?.[1]
    if (name === undefined || method !== 'PUT') return undefined
    const type = headers['content-type'] ?? 'application/octet-stream'
    store.put(FILES, name, { type }, body)
    store.trim(FILES, KEPT_MAX)
    return jsonAnswer({ name, type, sizeBytes: body.byteLength }, 201)
  }

  const serve: Answering = ({ method, path }) => {
    const name = NAME.exec(path)?.[1]
    if (name === undefined || method !== 'GET') return undefined
    const kept = store.get<{ type: string }>(FILES, name)
    if (!kept) throw new StandInRefusal(404, `There is no file ${name}.`)
    const headers = { 'content-type': kept.value.type, 'x-content-type-options': 'nosniff' }
    return { status: 200, headers, body: kept.bytes ?? new Uint8Array() }
  }

  const redirect: Answering = ({ query }) => {
    const to = query.get('to')
    if (to === null || /[\r\n]/.test(to)) throw new StandInRefusal(400, 'to is where it leads.')
    return { status: 302, headers: { location: to } }
  }

  return { routes: { '/control/files': put, '/files': serve, '/redirect': redirect } }
}
