/** The inspector's child process: takes one request after the other from its parent, and ends when the parent does. */
import './no-network.ts'
import { inspect } from './inspect.ts'
import type { Answer, Question } from './inspector.ts'

const answer = (message: Answer): void => void process.send?.(message)

async function work(question: Question): Promise<Answer> {
  if (question.kind === 'inspect') return { inspection: await inspect(question.request) }
  const { draw } = await import('./drawing.ts')
  await draw(question.request)
  return { inspection: null }
}

process.on('message', (question: Question) => {
  work(question).then(answer, (error: unknown) =>
    answer({ failure: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
