/** A customer's way in: a mailed code, and a second key for a device that has no keyboard. */
import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { accepted } from '../../accepted.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { type KillatamataStory, MICROS_PER_CENT, type Person, rowsOf, type Say } from './story.ts'

export async function lookAround({ anybody, checks }: KillatamataStory, say: Say): Promise<void> {
  const health = await anybody.GET('/api/v1/health')
  const { status, service, version } = health.data ?? {}
  checks.equal('it is well', `${statusOf(health)} ${status} ${service}`, '200 ok killatamata')
  const { packages } = await accepted(anybody.GET('/api/v1/packages'))
  const bonus = packages.filter(({ usdCents, creditUsdMicros }) => usdCents * MICROS_PER_CENT !== creditUsdMicros)
  checks.equal('a dollar buys a dollar of credit, in each package', bonus.length, 0)
  const { manifestUrl, metadataUrl, rootUrl, entrypointUrl } = version?.skill ?? {}
  const addresses = [manifestUrl, metadataUrl, rootUrl, entrypointUrl].filter((each) => each !== undefined)
  const answers = await Promise.all(addresses.map(async (each) => (await fetch(each)).status))
  checks.holds(
    'the skill is where it says',
    answers.length > 0 && answers.every((each) => each === 200),
    '200 each',
    answers.join(' '),
  )
  say(`${packages.length} packages, ${version?.release}`)
}

const CODE = /\b\d{6}\b/

export async function signInByMail(story: KillatamataStory, say: Say): Promise<void> {
  const { anybody, standIns, checks, found, run, waits } = story
  const email = `demo-${run}@example.com`
  await accepted(anybody.POST('/api/v1/auth/email/start', { body: { email } }))
  const mail = await poll(
    async () => rowsOf(await standIns('GET', `/control/mail?to=${encodeURIComponent(email)}`), 'messages')[0],
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
  const verify = (tried: string) =>
    anybody.POST('/api/v1/auth/email/verify', { body: { email, code: tried, keyLabel: 'Demo' } })
  checks.equal('another one is refused', statusOf(await verify(wrong)), '401 code_invalid')
  const { createdAccount, accountId, apiKey: key } = await accepted(verify(code))
  checks.equal('it opens an account', createdAccount, true)
  checks.equal('and works once', statusOf(await verify(code)), '401 code_invalid')
  found.customer = { accountId, email, key }
  found.accounts.add(accountId)
  say(accountId)
}

export async function linkDevice({ anybody, customer, as, checks, found }: KillatamataStory, say: Say): Promise<void> {
  const started = await accepted(anybody.POST('/api/v1/device/link/start', { body: { keyLabel: 'Kiosk' } }))
  const { deviceCode, userCode } = started
  const device = () => anybody.POST('/api/v1/device/link/poll', { body: { deviceCode } })
  checks.equal('nobody has agreed yet', (await device()).data?.status, 'pending')
  const spoken = { userCode: userCode.toLowerCase().replace('-', ' ') }
  const approved = await customer.POST('/api/v1/device/link/approve', { body: spoken })
  checks.equal('the customer agrees, by the code as people type it', approved.data?.status, 'approved')
  // The interval has to pass; the client waits for as long as it is told.
  const polled = await device()
  checks.equal('the device has a key', `${statusOf(polled)} ${polled.data?.status}`, '200 approved')
  const linked = polled.data?.status === 'approved' ? polled.data : undefined
  checks.equal('which is the customer’s', linked?.accountId, found.customer.accountId)
  const balance = await as(linked?.apiKey ?? '').GET('/api/v1/balance')
  checks.equal('and opens what a key opens', balance.response.status, 200)
  checks.equal('once', statusOf(await device()), '410 device_link_consumed')
  const { keys } = await accepted(customer.GET('/api/v1/keys'))
  checks.equal('two keys are listed', keys.filter(({ status }) => status === 'active').length, 2)
  say(`${userCode} for ${linked?.keyPrefix}…`)
}

const TOKEN_LIVES = '5m'

/** Somebody else, by an ID token that the sandbox's own key has signed. */
export async function enterByGoogle({ anybody, sandbox, run, found }: KillatamataStory, name: string): Promise<Person> {
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
  const { accountId, apiKey: key } = await accepted(anybody.POST('/api/v1/auth/google', { body: { idToken } }))
  found.accounts.add(accountId)
  return { accountId, email, key }
}
