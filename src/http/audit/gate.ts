/** How many questions are answered at the same time in this process: auditors wait, operators do not. */
import { refuse } from './errors.ts'

export interface Gate {
  /** Takes a place; what it answers with gives it back. Throws a Problem (429) where there is none. */
  enter(): () => void
}

export function createGate(placesMax: number): Gate {
  let taken = 0
  return {
    enter() {
      if (taken >= placesMax) {
        const detail = `This process answers ${placesMax} audit requests at a time; send the request again.`
        throw refuse('audit_busy', detail)
      }
      taken += 1
      let isHeld = true
      return () => {
        if (isHeld) taken -= 1
        isHeld = false
      }
    },
  }
}
