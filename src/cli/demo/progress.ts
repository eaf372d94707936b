/**
 * Shows a step while it runs and how it ended: a spinner that becomes a tick on a terminal, one plain line per step
 * where the output is read by a program.
 */
import type { WriteStream } from 'node:tty'
import picocolors from 'picocolors'

export interface Progress {
  /** Runs one step. `say` adds to its line what has been found meanwhile. */
  step<T>(title: string, work: (say: (note: string) => void) => Promise<T>): Promise<T>
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_INTERVAL_MS = 80

export function createProgress(stream: NodeJS.WriteStream): Progress {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb'
  const colours = picocolors.createColors(live && !process.env.NO_COLOR)

  return {
    async step(title, work) {
      let note = ''
      const started = performance.now()
      const line = () => `${title}${note ? colours.dim(`  ${note}`) : ''}`
      const stopSpinner = live ? spin(stream as WriteStream, line, colours.cyan) : () => undefined
      const end = (mark: string) => {
        stopSpinner()
        const took = colours.dim(`${Math.round(performance.now() - started)} ms`)
        stream.write(`${mark} ${line()}  ${took}\n`)
      }
      try {
        const result = await work((text) => {
          note = text
        })
        end(colours.green(live ? '✓' : 'ok  '))
        return result
      } catch (error) {
        end(colours.red(live ? '✗' : 'FAIL'))
        throw error
      }
    },
  }
}

/** Draws the line over and over; answers with what takes it away. */
function spin(stream: WriteStream, line: () => string, colour: (text: string) => string): () => void {
  let frame = 0
  const draw = () => {
    stream.clearLine(0)
    stream.cursorTo(0)
    stream.write(`${colour(FRAMES[frame++ % FRAMES.length]!)} ${line()}`)
  }
  draw()
  const timer = setInterval(draw, FRAME_INTERVAL_MS)
  return () => {
    clearInterval(timer)
    stream.clearLine(0)
    stream.cursorTo(0)
  }
}
