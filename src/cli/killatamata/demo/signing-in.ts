/** A customer's way in: a mailed code, and a second key for a device that has no keyboard. */
import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { poll } from '../../demo/client.ts'
import { type KillatamataStory, must, type Person, partOf, rowsOf, type Say, statusOf } from './story.ts'

export async function lookAround({ open, checks }: KillatamataStory, say: Say): Promise<void> {
  const health = await open('GET', '/health')
  checks.equal('it is well', `${health.status} ${health.body.status} ${health.body.service}`, '200 ok killatamata')
  const packages = rowsOf((await open('GET', '/packages')).body, 'packages')
  const bonus = packages.filter(({ usdCents, creditUsdMicros }) => Number(usdCents) * 10_000 !== creditUsdMicros)
  checks.equal('a dollar buys a dollar of credit, in each package', bonus.length, 0)
  const skill = partOf(partOf(health.body, 'version'), 'skill')
  const addresses = Object.values(skill).filter((each) => typeof each === 'string' && each.startsWith('http'))
  const answers = await Promise.all(addresses.map(async (each) => (await fetch(String(each))).status))
  checks.holds(
    'the skill is where it says',
    answers.length > 0 && answers.every((status) => status === 200),
    '200 each',
    answers.join(' '),
  )
  say(`${packages.length} packages, ${partOf(health.body, 'version').release}`)
}

const CODE = /\b\d{6}\b/

export async function signInByMail(story: KillatamataStory, say: Say): Promise<void> {
  const { open, standIns, checks, found, run, waits } = story
  const email = `demo-${run}@example.com`
  must(await open('POST', '/auth/email/start', { email }), 202, 'a start by mail')
  const mail = await poll(
    async () => rowsOf((await standIns('GET', `/control/mail?to=${encodeURIComponent(email)}`)).body, 'messages')[0],
    (message) => message !== undefined,
    waits,
  )
  const code = CODE.exec(String(mail?.text ?? ''))?.[0] ?? ''
  checks.holds(
    'a code of six digits is mailed',
    code !== '',
    '6 digits',
    code === '' ? 'none' : `${code.length} digits`,
  )
  const wrong = code === '000000' ? '000001' : '000000'
  const refused = await open('POST', '/auth/email/verify', { email, code: wrong })
  checks.equal('another one is refused', statusOf(refused), '401 code_invalid')
  const verified = must(await open('POST', '/auth/email/verify', { email, code, keyLabel: 'Demo' }), 201, 'the code')
  checks.equal('it opens an account', verified.createdAccount, true)
  const again = await open('POST', '/auth/email/verify', { email, code })
  checks.equal('and works once', statusOf(again), '401 code_invalid')
  found.customer = { accountId: String(verified.accountId), email, key: String(verified.apiKey) }
  found.accounts.add(found.customer.accountId)
  say(found.customer.accountId)
}

export async function linkDevice({ open, call, as, checks, found }: KillatamataStory, say: Say): Promise<void> {
  const started = must(await open('POST', '/device/link/start', { keyLabel: 'Kiosk' }), 201, 'a device link')
  const { deviceCode, userCode } = started
  const device = () => open('POST', '/device/link/poll', { deviceCode })
  checks.equal('nobody has agreed yet', (await device()).body.status, 'pending')
  const spoken = String(userCode).toLowerCase().replace('-', ' ')
  const approved = await call('POST', '/device/link/approve', { userCode: spoken })
  checks.equal('the customer agrees, by the code as people type it', approved.body.status, 'approved')
  // The interval has to pass; the client waits for as long as it is told.
  const polled = await device()
  checks.equal('the device has a key', `${polled.status} ${polled.body.status}`, '200 approved')
  checks.equal('which is the customer’s', polled.body.accountId, found.customer.accountId)
  const key = String(polled.body.apiKey)
  checks.equal('and opens what a key opens', (await as(() => key)('GET', '/balance')).status, 200)
  checks.equal('once', statusOf(await device()), '410 device_link_consumed')
  const keys = rowsOf((await call('GET', '/keys')).body, 'keys')
  checks.equal('two keys are listed', keys.filter(({ status }) => status === 'active').length, 2)
  say(`${userCode} for ${polled.body.keyPrefix}…`)
}

const TOKEN_LIVES = '5m'

/** Somebody else, by an ID token that the sandbox's own key has signed. */
export async function enterByGoogle({ open, sandbox, run, found }: KillatamataStory, name: string): Promise<Person> {
  const { issuer, client_id, kid, private_key_pem } = sandbox().google
  const email = `${name}-${run}@example.com`
  const idToken = await new SignJWT({ email, email_verified: true })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(issuer)
    .setAudience(client_id)
    .setSubject(`${name}-${run}`)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIVES)
    .sign(createPrivateKey(private_key_pem))
  const { accountId, apiKey } = must(await open('POST', '/auth/google', { idToken }), 201, 'an ID token')
  found.accounts.add(String(accountId))
  return { accountId: String(accountId), email, key: String(apiKey) }
}
