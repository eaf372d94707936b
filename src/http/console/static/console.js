// The console's own script: a tick, keys, copying, times, dialogs, and pages that follow the log. Every page works
// without it. Nothing here makes markup out of what a server or a person has said: texts are set as texts.

const root = document.documentElement
const all = (selector, of = document) => [...of.querySelectorAll(selector)]
const make = (name, text, attributes = {}) => {
  const made = document.createElement(name)
  if (text) made.textContent = text
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

// A tick a second while the page is looked at: regions say with it what they want to have anew.
setInterval(() => {
  if (document.visibilityState === 'visible') document.body.dispatchEvent(new CustomEvent('tick'))
}, 1000)

// What a region has already is asked for by its tag, and comes again only where it has changed.
const tags = new WeakMap()
document.addEventListener('htmx:config:request', ({ target, detail }) => {
  const tag = tags.get(target)
  if (tag) detail.ctx.request.headers['If-None-Match'] = tag
  target.setAttribute('aria-busy', 'true')
})
let staleSince
const banner = document.getElementById('stale')
const setStale = (says) => {
  staleSince ??= says ? new Date().toISOString().slice(11, 19) : undefined
  if (!says) staleSince = undefined
  const text = says ? `${says} This page is as it was at ${staleSince} UTC; it goes on by itself.` : ''
  if (banner && banner.textContent !== text) banner.textContent = text
  if (banner) banner.hidden = !says
}
document.addEventListener('htmx:after:request', ({ target, detail }) => {
  const { status, headers } = detail.ctx.response
  if (status === 200 && headers.get('etag')) tags.set(target, headers.get('etag'))
  if (status < 400) setStale('')
  else if (status !== 401) setStale(`The instance answered with ${status}.`)
})
document.addEventListener('htmx:error', () => setStale('The instance does not answer.'))
document.addEventListener('htmx:finally:request', ({ target }) => {
  target.removeAttribute('aria-busy')
  dress(target)
})

// Times as the reader likes them, and never without the time itself.
const AGO = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
]
const ago = (at) => {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000))
  const [size, unit] = AGO.find(([each]) => seconds >= each) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${unit} ago`
}
const utc = (at) => `${at.slice(0, 19).replace('T', ' ')} UTC`
const timeTexts = { utc, local: (at) => new Date(at).toLocaleString(), ago: (at) => `${ago(at)}, ${utc(at)}` }
const showTimes = (of) => {
  const show = timeTexts[root.dataset.times] ?? utc
  for (const each of all('time', of)) {
    const text = show(each.dateTime)
    if (each.textContent !== text) each.textContent = text
  }
}

// Copying; the button says that it is done.
const dress = (of) => {
  for (const button of all('[data-copy]', of)) button.hidden = !navigator.clipboard
  showTimes(of)
}
document.addEventListener('click', async ({ target }) => {
  const button = target.closest?.('[data-copy]')
  if (!button) return
  await navigator.clipboard.writeText(button.dataset.copy)
  const was = button.textContent
  button.textContent = 'Copied'
  setTimeout(() => {
    button.textContent = was
  }, 1500)
})

// Actions come as a dialog, made of the page that they are.
customElements.define(
  'dialog-box',
  class extends HTMLElement {
    connectedCallback() {
      this.dialog = make('dialog', '', { 'aria-labelledby': 'dialog-title' })
      this.append(this.dialog)
      document.addEventListener('click', (event) => {
        const link = event.target.closest?.('a[data-dialog]')
        const isPlain = link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0
        if (isPlain) {
          event.preventDefault()
          this.open(link)
        } else if (this.dialog.open && event.target.closest?.('[data-cancel]')) {
          event.preventDefault()
          this.dialog.close()
        }
      })
      this.dialog.addEventListener('close', () => {
        this.dialog.replaceChildren()
        this.from?.focus()
      })
    }
    async open(link) {
      const answer = await fetch(link.href).catch(() => undefined)
      const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : '', 'text/html')
      const form = page.querySelector('main form.action')
      if (!form) return location.assign(link.href)
      this.from = link
      this.dialog.replaceChildren(
        make('h2', page.querySelector('h1').textContent, { id: 'dialog-title' }),
        document.adoptNode(form),
      )
      this.dialog.showModal()
      this.dialog.querySelector('input:not([type=hidden]), textarea, select, button')?.focus()
    }
    say(title, content) {
      this.from = document.activeElement
      const close = make('button', 'Close', { type: 'button', 'data-cancel': '' })
      this.dialog.replaceChildren(make('h2', title, { id: 'dialog-title' }), content, close)
      this.dialog.showModal()
      close.focus()
    }
  },
)

// Pages that follow the log: new rows come on top; more than twenty in a second are told as a number.
const ROWS_MAX = 20
let source
const follow = (button, on) => {
  source?.close()
  source = undefined
  button.setAttribute('aria-pressed', String(on))
  if (!on) return
  const body = document.getElementById(button.dataset.rows).querySelector('tbody')
  const told = document.getElementById(button.dataset.told)
  let seen = 0
  let kept = []
  const address = new URL(button.dataset.follow, location.href)
  if (last) address.searchParams.set('after', last)
  source = new EventSource(address)
  source.addEventListener('message', ({ data, lastEventId }) => {
    last = lastEventId
    seen += 1
    kept.push(data)
  })
  source.addEventListener('end', () => {
    follow(button, false)
    told.textContent = 'Following has ended; press Follow to go on.'
  })
  const show = setInterval(() => {
    if (!source) return clearInterval(show)
    for (const markup of kept.slice(-ROWS_MAX)) {
      // A row that the server has made, as those of the page.
      const row = new DOMParser()
        .parseFromString(`<table><tbody>${markup}</tbody></table>`, 'text/html')
        .querySelector('tr')
      if (row) {
        row.classList.add('fresh')
        body.prepend(document.adoptNode(row))
      }
    }
    if (kept.length > 0) dress(body)
    if (seen > 0 && Date.now() - saidMs > 5000) {
      told.textContent = kept.length > ROWS_MAX ? `${seen} more, the last ${ROWS_MAX} of them shown.` : `${seen} more.`
      saidMs = Date.now()
      seen = 0
    }
    kept = []
  }, 1000)
}
let last
let saidMs = 0
document.addEventListener('click', ({ target }) => {
  const button = target.closest?.('[data-follow]')
  if (button) follow(button, button.getAttribute('aria-pressed') !== 'true')
})
document.addEventListener('visibilitychange', () => {
  const button = document.querySelector('[data-follow][aria-pressed=true]')
  if (button && document.visibilityState === 'hidden') {
    source?.close()
    source = undefined
  } else if (button && !source) follow(button, true)
})
addEventListener('pagehide', () => source?.close())

// Single keys, unless they are switched off or somebody types.
let isGoing = false
let row = -1
const chooseRow = (step) => {
  const rows = all('main tbody tr[data-href]')
  if (rows.length === 0) return
  rows[row]?.classList.remove('on')
  row = Math.min(rows.length - 1, Math.max(0, row + step))
  rows[row].classList.add('on')
  rows[row].querySelector('a')?.focus()
}
const keys = {
  '/': () => document.getElementById('q')?.focus(),
  j: () => chooseRow(1),
  k: () => chooseRow(-1),
  f: () => document.querySelector('[data-follow]')?.click(),
  '?': () => document.querySelector('dialog-box').say('Keys', document.getElementById('keys').content.cloneNode(true)),
}
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, select, [contenteditable], dialog[open]')
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || root.dataset.keys === 'off') return
  if (event.key === 'g') {
    isGoing = true
    setTimeout(() => {
      isGoing = false
    }, 1500)
    return
  }
  const place = isGoing && document.querySelector(`nav a[data-go="${CSS.escape(event.key)}"]`)
  isGoing = false
  if (place) return place.click()
  if (keys[event.key]) {
    event.preventDefault()
    keys[event.key]()
  }
})

// Narrow windows begin with a folded menu.
if (matchMedia('(max-width: 60rem)').matches) document.querySelector('.menu')?.removeAttribute('open')
if (root.dataset.times === 'ago') document.body.addEventListener('tick', () => showTimes(document))
dress(document)
