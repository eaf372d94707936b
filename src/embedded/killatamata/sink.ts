/**
 * A sink for callbacks: `POST /sink/<name>` takes anything, and answers as it was told by `PUT /control/sink/<name>` (`{answers: [500,
 * 200]}`), then with 200. `GET /control/sink/<name>` shows what has come.
 */
import { randomUUID } from 'node:crypto'
import { type Answering, jsonAnswer, jsonOf, type StandInPart, StandInRefusal } from './exchange.ts'
import type { StandInStore } from './store.ts'

interface Taken {
  name: string
  receivedAt: string
  headers: Record<string, unknown>
  body: string
}

const REQUESTS = 'sink request'
const ANSWERS = 'sink answers'
/** Requests that are kept, of all names together. */
const KEPT_MAX = 2_000
const ANSWERS_MAX = 1_000
const NAME = /^\/([\w.-]{1,100})$/

export function sinkPart(store: StandInStore): StandInPart {
  const answersOf = (name: string) => store.get<number[]>(ANSWERS, name)?.value ?? []

  const take: Answering = ({ method, path, headers, body }) => {
    const name = NAME.exec(path)?.[1]
    if (name === undefined || method !== 'POST') return undefined
    const taken: Taken = { name, receivedAt: new Date().toISOString(), headers, body: body.toString('utf8') }
    store.put(REQUESTS, randomUUID(), taken)
    store.trim(REQUESTS, KEPT_MAX)
    const [status = 200, ...rest] = answersOf(name)
    store.put(ANSWERS, name, rest)
    return jsonAnswer({ taken: true }, status)
  }

  const control: Answering = (request) => {
    const name = NAME.exec(request.path)?.[1]
    if (name === undefined) return undefined
    if (request.method === 'PUT') {
      const { answers } = jsonOf(request)
      const isStatus = (each: unknown) => Number.isInteger(each) && Number(each) >= 200 && Number(each) <= 599
      if (!Array.isArray(answers) || answers.length > ANSWERS_MAX || !answers.every(isStatus)) {
        throw new StandInRefusal(400, `answers is a list of at most ${ANSWERS_MAX} statuses from 200 to 599.`)
      }
      store.put(ANSWERS, name, answers)
      return jsonAnswer({ name, answers })
    }
    const kept = store.list<Taken>(REQUESTS, KEPT_MAX).map(({ value }) => value)
    const requests = kept.filter((each) => each.name === name).toReversed()
    return jsonAnswer({ requests: requests.map(({ receivedAt, headers, body }) => ({ receivedAt, headers, body })) })
  }

  return { routes: { '/sink': take, '/control/sink': control } }
}
