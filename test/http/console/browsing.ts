/** A browser without a screen: it keeps cookies, sends what browsers send, and reads the pages that it gets. */
import { type HTMLElement, parse } from 'node-html-parser'
import { expect } from 'vitest'
import type { Api } from '../api.ts'

export interface Seen {
  status: number
  headers: Headers
  text: string
  /** Of a page. */
  page: HTMLElement
  /** Where it leads; '' where it leads nowhere. */
  location: string
}

const HOSTS = { 'sec-fetch-site': 'same-origin' }

export type Visitor = ReturnType<typeof newVisitor>

/** Somebody with a browser of their own. */
export function newVisitor(url: string) {
  const jar = new Map<string, string>()

  async function ask(path: string, options: RequestInit & { headers?: Record<string, string> } = {}): Promise<Seen> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...options.headers }
    const response = await fetch(url + path, { redirect: 'manual', ...options, headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    const text = await response.text()
    const { status } = response
    return {
      status,
      headers: response.headers,
      text,
      page: parse(text, { blockTextElements: { script: true, style: true } }),
      location: response.headers.get('location') ?? '',
    }
  }

  const get = (path: string, headers: Record<string, string> = {}) => ask(path, { headers })
  const post = (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = HOSTS) =>
    ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })

  return {
    jar,
    get,
    post,
    /** Signs in, and says so where that does not succeed. */
    async signIn(key: string): Promise<void> {
      const { status, location } = await post('/console/sign-in', { key })
      expect([status, location]).toEqual([303, '/console'])
    },
    async enter(link: string): Promise<void> {
      const { status, location } = await post(new URL(link).pathname)
      expect([status, location]).toEqual([303, '/console'])
    },
    /** The page behind a redirection. */
    async follow(seen: Seen): Promise<Seen> {
      expect(seen.status).toBe(303)
      return get(seen.location)
    },
  }
}

/** A visitor who has come in as an administrator. */
export async function administrator(api: Api, options: { isReadOnly?: boolean } = {}): Promise<Visitor> {
  const visitor = newVisitor(api.url)
  await visitor.enter(await api.addConsoleLink(options))
  return visitor
}

export async function operator(api: Api, key: string): Promise<Visitor> {
  const visitor = newVisitor(api.url)
  await visitor.signIn(key)
  return visitor
}

/** The form of an action, as the page has it, for sending with more. */
export const formIn = ({ page }: Pick<Seen, 'page'>): Record<string, string> =>
  Object.fromEntries(
    page
      .querySelectorAll('main form.action input[type=hidden]')
      .map((input) => [input.getAttribute('name') ?? '', input.getAttribute('value') ?? '']),
  )

/** The text of a thing's field, by its name in the API. */
export const fieldIn = ({ page }: Pick<Seen, 'page'>, name: string): string | undefined =>
  page.querySelector(`[data-field="${name}"]`)?.text.trim()

export const titleOf = ({ page }: Pick<Seen, 'page'>): string => page.querySelector('title')?.text ?? ''
export const headingOf = ({ page }: Pick<Seen, 'page'>): string => page.querySelector('h1')?.text ?? ''
