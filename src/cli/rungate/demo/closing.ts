/** A person who signs in by mail, the account's figures, and a ledger that adds up. */
import { decimal } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import { amountOf, dataOf, type RungateStory, rowsOf, type Say, statusOf, sumOf } from './story.ts'

export async function signInByMail(story: RungateStory, say: Say): Promise<void> {
  const { open, checks, found, run, waits } = story
  const config = await open('GET', '/auth/config')
  if (dataOf(config).devMode !== true) return say('mails leave by SMTP here; nobody can read them but their receiver')
  const email = `demo-${run}@example.com`
  checks.equal('a link is asked for', statusOf(await open('POST', '/auth/start', { email })), '200')
  const mail = await poll(
    async () => rowsOf(await open('GET', `/dev/mailbox?to=${encodeURIComponent(email)}`))[0],
    (received) => received !== undefined,
    waits,
  )
  checks.holds('it is in the local mailbox', mail?.token != null, 'a mail with a link', mail?.subject ?? 'none')
  const verified = await open('POST', '/auth/verify', { token: mail?.token })
  checks.equal('the link signs in', `${statusOf(verified)} ${dataOf(verified).isNewUser}`, '200 true')
  const again = await open('POST', '/auth/verify', { token: mail?.token })
  checks.equal('once', again.status, 401)
  const { cookie } = verified
  // An account has one owner: whoever claimed the one of an earlier run.
  if (found.isNew) {
    const body = { name: 'Demo', admin_token: found.account.adminToken }
    const claimed = await open('POST', '/auth/complete-registration', body, cookie)
    checks.equal('its account is claimed by its token', `${statusOf(claimed)} ${dataOf(claimed).claimed}`, '200 true')
  }
  const session = await open('GET', '/auth/session', undefined, cookie)
  const { account, scopes } = dataOf(session) as { account?: { status?: string }; scopes?: string[] }
  const expected = found.isNew ? 'active read write admin' : 'pending'
  checks.equal('the session may what its owner may', [account?.status, ...(scopes ?? [])].join(' '), expected)
  checks.equal('it ends by signing out', (await open('POST', '/auth/logout', undefined, cookie)).status, 204)
  say(email)
}

export async function readFigures({ admin, checks, found, waits }: RungateStory, say: Say): Promise<void> {
  const spent = [...found.runs.values()].reduce((sum, cost) => sum.plus(cost), decimal('0')).toFixed()
  const figures = () =>
    admin('GET', `/api/analytics/costs?group_by=agent&agent_id=${found.agentId}`).then((answer) => rowsOf(answer)[0])
  const row = await poll(figures, (seen) => amountOf(seen?.total_cost_usd) === spent, waits)
  checks.equal('the figures name the agent', row?.group, found.agentId)
  checks.equal('and what all answers said that they cost', amountOf(row?.total_cost_usd), spent)
  const errors = rowsOf(await admin('GET', `/api/analytics/errors?group_by=agent&agent_id=${found.agentId}`))[0]
  checks.equal('no call has failed', `${errors?.error_count} ${errors?.timeout_count}`, '0 0')
  say(`$${spent} in ${row?.request_count} calls`)
}

interface Summed {
  /** As the answers said. */
  told: string
  /** Of the run, of its ledger, and of its steps. */
  sums: string[]
  entries: number
}

async function sumUp({ admin }: RungateStory, runId: string, told: string): Promise<Summed> {
  const costs = async (path: string) =>
    rowsOf(await admin('GET', `/api/runs/${runId}${path}`)).map(({ cost_usd }) => cost_usd)
  const run = dataOf(await admin('GET', `/api/runs/${runId}`))
  const entries = await costs('/ledger')
  const steps = await costs('/steps?limit=1000')
  return { told, sums: [amountOf(run.cost_usd), sumOf(entries), sumOf(steps)], entries: entries.length }
}

const differs = ({ told, sums }: Summed): boolean => sums.some((sum) => sum !== told)

export async function readLedger(story: RungateStory, say: Say): Promise<void> {
  const { checks, found, waits } = story
  const seen = await poll(
    () => Promise.all([...found.runs].map(([runId, told]) => sumUp(story, runId, told))),
    (runs) => !runs.some(differs),
    waits,
  )
  checks.equal('each run’s ledger, steps and cost are the same', JSON.stringify(seen.filter(differs)), '[]')
  const entries = seen.reduce((sum, each) => sum + each.entries, 0)
  say(`${seen.length} runs, ${entries} entries`)
}
