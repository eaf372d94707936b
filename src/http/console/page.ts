/** The frame of every page: landmarks, navigation, the box that finds things, and the account's menu. */
import { html } from 'hono/html'
import type { Markup, Viewer } from '../pages/declaration.ts'
import type { Preferences } from './preferences.ts'
import { addressOf } from './static-files.ts'

/** The policy of every page: nothing inline, nothing of other hosts. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

export interface NavigationGroup {
  title: string
  /** A context's own stand under its name. */
  parts: readonly {
    title: string
    links: readonly { title: string; href: string; isCurrent: boolean; key: string | undefined }[]
  }[]
}

export interface Frame {
  title: string
  content: Markup
  preferences: Preferences
  /** Undefined: nobody has signed in. */
  viewer?: Viewer | undefined
  navigation?: readonly NavigationGroup[]
  /** The address that a choice of theme leads back to. */
  address?: string
  /** Buttons beneath the heading. */
  actions?: Markup
  /** What the form before has done. */
  message?: Markup
  /** What is wrong with the instance. */
  banner?: Markup
}

/** htmx: what it may do, in its own words. Pages of an error are no part of the page that asked. */
const HTMX = JSON.stringify({ includeIndicatorCSS: false, history: false, noSwap: [204, 304, '4xx', '5xx'] })

export async function page(frame: Frame): Promise<string> {
  const { title, content, preferences, viewer, navigation = [], actions = '', message = '', banner = '' } = frame
  const { theme, times, keys } = preferences
  return String(
    await html`<!doctype html>
<html lang="en" data-theme="${theme}" data-times="${times}" data-keys="${keys}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<meta name="htmx-config" content="${HTMX}">
<title>${title} · opslog</title>
<link rel="stylesheet" href="${addressOf('console.css')}">
<script src="${addressOf('htmx.js')}" defer></script>
<script src="${addressOf('console.js')}" type="module"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/console">opslog</a>
${viewer ? searchBox() : ''}${viewer ? accountMenu(viewer, frame) : ''}
</header>
<div class="columns">
${viewer ? mainNavigation(navigation) : ''}<main id="main" tabindex="-1">
<div id="stale" class="banner" role="status" hidden></div>
${banner}${message}<h1>${title}</h1>
${actions}${content}
</main>
</div>
<dialog-box></dialog-box>
${viewer ? keysTemplate() : ''}</body>
</html>
`,
  )
}

const searchBox = () => html`<form role="search" action="/console/find" method="get">
<label class="hidden" for="q">Find by any id</label>
<input id="q" name="q" type="search" placeholder="Find by any id" autocomplete="off" spellcheck="false" maxlength="512" aria-keyshortcuts="/">
<button>Find</button>
</form>
`

/** Narrow windows show it folded. */
const mainNavigation = (groups: readonly NavigationGroup[]) => html`<nav aria-label="Main">
<details class="menu" open><summary>Menu</summary>
${groups.map(
  ({ title, parts }) => html`<div class="group"><h2>${title}</h2>
${parts.map(
  ({ title: of, links }) => html`${of === '' ? '' : html`<h3>${of}</h3>`}<ul>${links.map(
    ({ title: text, href, isCurrent, key }) =>
      html`<li><a href="${href}"${isCurrent ? html` aria-current="page"` : ''}${key === undefined ? '' : html` data-go="${key}"`}>${text}</a></li>`,
  )}</ul>
`,
)}</div>
`,
)}</details>
</nav>
`

const KEYS = [
  ['/', 'find'],
  ['g then o', 'overview'],
  ['g then e', 'events'],
  ['g then p', 'projections'],
  ['g then w', 'webhooks'],
  ['g then a', 'accounts'],
  ['j and k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['f', 'follow'],
  ['?', 'these keys'],
] as const

const keysTemplate = () =>
  html`<template id="keys"><dl class="keys">${KEYS.map(
    ([key, says]) => html`<dt><kbd>${key}</kbd></dt><dd>${says}</dd>`,
  )}</dl></template>`

const audiences = { administrator: 'administrator', operator: 'operator', auditor: 'auditor' } as const

const accountMenu = ({ audience, name, mayAct }: Viewer, { preferences, address = '/console' }: Frame) => {
  const chooser = (name: string, label: string, now: string, options: readonly (readonly [string, string])[]) =>
    html`<label>${label} <select name="${name}">${options.map(
      ([value, says]) => html`<option value="${value}"${value === now ? html` selected` : ''}>${says}</option>`,
    )}</select></label>
`
  return html`<details class="account"><summary>Account</summary>
<div class="sheet">
<p><bdi>${name}</bdi>, ${audiences[audience]}${mayAct ? '' : ', for looking only'}</p>
<form method="post" action="/console/preferences">
<input type="hidden" name="to" value="${address}">
${chooser('theme', 'Theme', preferences.theme, [
  ['system', 'as the system has it'],
  ['light', 'light'],
  ['dark', 'dark'],
])}${chooser('times', 'Times', preferences.times, [
  ['utc', 'UTC'],
  ['local', 'local'],
  ['ago', 'ago'],
])}${chooser('keys', 'Single keys', preferences.keys, [
  ['on', 'on'],
  ['off', 'off'],
])}<button>Remember</button>
</form>
<form method="post" action="/console/sign-out"><button>Sign out</button></form>
<form method="post" action="/console/sign-out/everywhere"><button>Sign out everywhere</button></form>
</div>
</details>
`
}

/** What was refused, and what can be done: a region of a page, or all of it. */
export interface Refused {
  code: string
  title: string
  detail: string
  requestId: string
  errors?: readonly { pointer: string; detail: string }[]
  whatToDo?: string | undefined
}

export const refusal = ({ code, title, detail, requestId, errors = [], whatToDo }: Refused): Markup =>
  html`<div class="refusal" role="alert">
<p><strong>${title}.</strong> ${detail}</p>
${errors.length < 2 ? '' : html`<ul>${errors.map((each) => html`<li><code>${each.pointer}</code> ${each.detail}</li>`)}</ul>`}
${whatToDo ? html`<p>${whatToDo}</p>` : ''}
<p class="small">Code <a href="/docs/problems/${encodeURIComponent(code)}">${code}</a>, request <code>${requestId}</code></p>
</div>
`
