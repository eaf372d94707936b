/** People of `opslog rungate trigger`: they take their links out of the mailbox that an instance without SMTP keeps. */
import type { Client } from '@opslog/client'
import { accepted } from '../accepted.ts'
import { poll } from '../demo/client.ts'
import { CliError, EXIT } from '../terminal.ts'
import { lastMailTo } from './mailbox.ts'
import { type Ground, SHOWN } from './trigger-ground.ts'

/** Somebody who was invited, and has accepted. Throws CliError where nobody here can read mails. */
export async function joinedMember(on: Ground): Promise<{ id: string }> {
  const email = await addressOf(on, 'member')
  await accepted(on.admin.POST('/api/invitations', { body: { email, role: 'member' } }))
  const body = { token: await linkTo(on, email), display_name: 'Member' }
  const { member } = (await accepted(on.visitor().POST('/auth/accept-invitation', { body }))).data
  return { id: member.id }
}

/** Whoever has claimed the account just now. Throws CliError where it has an owner, or nobody here can read mails. */
export async function ownerOf(on: Ground): Promise<Client<'rungate'>> {
  const visitor = on.visitor()
  const email = await addressOf(on, 'owner')
  await accepted(visitor.POST('/auth/start', { body: { email } }))
  const verifying = visitor.POST('/auth/verify', { body: { token: await linkTo(on, email) } })
  await accepted(verifying)
  const [cookie = ''] = (await verifying).response.headers.getSetCookie()
  const owner = on.visitor(cookie.split(';')[0])
  const claim = { name: 'Owner', admin_token: on.adminToken }
  await accepted(owner.POST('/auth/complete-registration', { body: claim }))
  return owner
}

/** An address that nobody has. */
async function addressOf({ run, visitor }: Ground, who: string): Promise<string> {
  const { data } = await accepted(visitor().GET('/auth/config'))
  if (data?.devMode) return `${who}-${run}@example.com`
  const hint = 'An instance without SMTP_URL keeps them in a mailbox of its own.'
  throw new CliError(EXIT.refused, 'people sign in by mail, and mails of this instance cannot be read here', hint)
}

/** What a link of the last mail to the address is for. */
async function linkTo({ url }: Ground, email: string): Promise<string> {
  const mail = await poll(
    () => lastMailTo(`${url}/rungate`, email),
    (found) => found !== undefined,
    SHOWN,
  )
  if (mail?.token) return mail.token
  throw new CliError(EXIT.refused, `no mail with a link has come to ${email}`)
}
