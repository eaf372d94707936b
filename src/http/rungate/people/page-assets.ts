/** The two pages in HTML, with the script and the style that both have. They do what the API does, by its operations. */
export const SCRIPT_PATH = '/rungate/people.js'
export const STYLE_PATH = '/rungate/people.css'

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <title>${title}</title>
    <link rel="stylesheet" href="${STYLE_PATH}" />
    <script src="${SCRIPT_PATH}" defer></script>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
      <p id="said" role="status"></p>
      <noscript><p>This page needs JavaScript.</p></noscript>
    </main>
  </body>
</html>
`

export const LOGIN_PAGE = page(
  'Sign in',
  `<form id="link" hidden><button>Sign in</button></form>
      <form id="start" hidden>
        <label>E-mail address <input name="email" type="email" autocomplete="email" required /></label>
        <button>Send me a link</button>
      </form>
      <form id="code" hidden>
        <label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" required /></label>
        <button>Sign in</button>
      </form>
      <form id="register" hidden>
        <p>The address belongs to no account yet.</p>
        <label>Name <input name="name" maxlength="100" required /></label>
        <label>Admin token, to claim an account <input name="admin_token" type="password" autocomplete="off" /></label>
        <button>Go on</button>
      </form>
      <dl id="keys" hidden></dl>`,
)

export const INVITATION_PAGE = page(
  'Invitation',
  `<p id="invitation"></p>
      <form id="accept" hidden>
        <label>Your name <input name="display_name" maxlength="100" autocomplete="name" required /></label>
        <button>Accept</button>
      </form>`,
)

export const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1c1c1c; background: #f5f5f3; }
main { max-width: 26rem; margin: 4rem auto; padding: 2rem; background: #fff; border-radius: 8px; }
h1 { font-size: 1.4rem; margin-top: 0; }
label { display: block; margin-bottom: 1rem; }
input { display: block; width: 100%; box-sizing: border-box; padding: 0.5rem; font: inherit; }
button { padding: 0.5rem 1rem; font: inherit; }
dd { margin: 0 0 1rem; overflow-wrap: anywhere; font-family: monospace; }
@media (prefers-color-scheme: dark) {
  body { color: #e8e8e6; background: #161616; }
  main { background: #222; }
}
`

export const SCRIPT = `const $ = (id) => document.getElementById(id)
const token = new URLSearchParams(location.hash.slice(1)).get('token')
// The token leaves the address bar and the history.
if (token) history.replaceState(null, '', location.pathname)

const say = (text) => { $('said').textContent = text }
const show = (...ids) => {
  for (const form of document.querySelectorAll('form, dl')) form.hidden = !ids.includes(form.id)
}
async function ask(path, body) {
  const answer = await fetch('/rungate/auth/' + path, body === undefined ? {} : {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const said = await answer.json()
  if (answer.ok) return said.data
  const fields = Object.values(said.error?.fields ?? {}).join(' ')
  throw new Error(said.error?.message ? said.error.message + ' ' + fields : String(said.error))
}
const on = (id, act) => $(id)?.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = event.target.querySelector('button')
  button.disabled = true
  say('')
  try {
    await act(Object.fromEntries([...new FormData(event.target)].filter(([, text]) => text !== '')))
  } catch (error) {
    say(error.message)
  } finally {
    button.disabled = false
  }
})
function signedIn({ isNewUser }) {
  if (isNewUser) return show('register')
  show()
  say('You are signed in.')
}

let email
on('link', async () => signedIn(await ask('verify', { token })))
on('start', async (fields) => {
  email = fields.email
  say((await ask('start', { email })).message)
  show('code')
})
on('code', async ({ code }) => signedIn(await ask('verify', { email, code })))
on('register', async (fields) => {
  const { account, admin_token, agent } = await ask('complete-registration', fields)
  show('keys')
  const list = $('keys')
  for (const [name, text] of [['Account', account.slug], ['Admin token', admin_token], ['API key', agent?.api_key]]) {
    if (!text) continue
    const [term, value] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = name
    value.textContent = text
    list.append(term, value)
  }
  say(admin_token ? 'You are signed in. Keep both keys now: neither is shown again.' : 'You are signed in.')
})
on('accept', async (fields) => {
  const { account } = await ask('accept-invitation', { token, ...fields })
  show()
  $('invitation').textContent = ''
  say('You are a member of ' + account.name + ' now, and signed in.')
})

if ($('accept')) {
  if (token) {
    ask('invitation-by-token?token=' + encodeURIComponent(token)).then(({ org_name, role, invited_by }) => {
      $('invitation').textContent = invited_by + ' invites you to ' + org_name + ', as ' + role + '.'
      show('accept')
    }, (error) => say(error.message))
  } else say('The link is not complete.')
} else show(token ? 'link' : 'start')
`
