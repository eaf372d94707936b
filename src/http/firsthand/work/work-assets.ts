/** The style and the script of the hosted page, at addresses of their own: its policy allows neither on the page itself. */

export const STYLE = `
:root { color-scheme: light dark; --ink: #16202c; --soft: #526170; --line: #d3dbe2; --card: #fff; --page: #eef2f5; --mark: #0a6b58 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef3; --soft: #a3b2c0; --line: #2c3947; --card: #17212b; --page: #0e151c; --mark: #3fc7a6 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main, header { width: 100%; max-width: 44rem; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between }
h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 1rem }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem }
p { margin: 0 0 .75rem }
ul { list-style: none; margin: 0; padding: 0 }
li, .card { padding: 1rem; margin: 0 0 .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.soft { color: var(--soft) }
.stars { font-size: 1.5rem; letter-spacing: .1em }
[role=alert] { padding: .75rem 1rem; border-left: .25rem solid #c22f2f; background: var(--card) }
label { display: block; margin: 0 0 .5rem; font-weight: 600 }
input { width: 100%; min-height: 2.75rem; padding: .5rem; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--soft); border-radius: .375rem }
button { min-height: 2.75rem; padding: .5rem 1.25rem; border: 0; border-radius: .375rem; background: var(--mark);
  color: var(--card); font: inherit; font-weight: 600; cursor: pointer }
button.plain { background: transparent; color: var(--mark); border: 1px solid var(--mark) }
button:disabled { opacity: .6; cursor: default }
a { color: var(--mark); display: inline-block; padding: .375rem 0 }
button:focus-visible, a:focus-visible, input:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
.drop { border: 2px dashed var(--soft) }
.over { border-color: var(--mark) }
form + form { margin-top: .75rem }
form button { margin-top: .75rem }
header form button { margin-top: 0 }
nav { display: flex; gap: 1.25rem }
progress { width: 100%; height: 1rem }
`

export const SCRIPT = `'use strict'
const TYPES = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', mp3: 'audio/mpeg', wav: 'audio/wav',
  m4a: 'audio/mp4', mp4: 'video/mp4', mov: 'video/quicktime',
}
const upload = document.querySelector('form[data-links]')
if (upload) start(upload)

function start(form) {
  const { links, formats, bytesMax } = form.dataset
  const input = form.querySelector('input[type=file]')
  const bar = form.querySelector('progress')
  const status = form.querySelector('[role=status]')
  const button = form.querySelector('button')
  let chosen
  const say = (text) => { status.textContent = text }

  function choose(file) {
    if (!file) return
    const isTooLarge = file.size > Number(bytesMax)
    chosen = isTooLarge || file.size === 0 ? undefined : file
    if (chosen) say(file.name + ' is chosen.')
    else say(file.name + (isTooLarge ? ' is too large.' : ' is empty.'))
  }

  // Systems name some types otherwise, or not at all.
  const typeOf = ({ name, type }) =>
    formats.split(' ').includes(type) ? type : (TYPES[name.split('.').pop().toLowerCase()] ?? type)

  async function linkFor(file) {
    const body = new URLSearchParams({
      form: form.elements.form.value, content_type: typeOf(file), size_bytes: file.size, filename: file.name.slice(0, 255),
    })
    const response = await fetch(links, { method: 'POST', body })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.error.message)
    return answer
  }

  const put = ({ method, url, headers }, file) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => { bar.value = loaded / total }
    request.onload = () => request.status === 200 ? resolve() : reject(new Error('The file was not taken. Send it again.'))
    request.onerror = () => reject(new Error('The connection broke. Send the file again.'))
    request.send(file)
  })

  input.addEventListener('change', () => choose(input.files[0]))
  for (const name of ['dragover', 'dragleave', 'drop']) {
    form.addEventListener(name, (event) => {
      event.preventDefault()
      form.classList.toggle('over', name === 'dragover')
      if (name === 'drop') choose(event.dataTransfer.files[0])
    })
  }
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (!chosen) return say('Choose a file first.')
    button.disabled = true
    bar.hidden = false
    say('The file is on its way.')
    try {
      const link = await linkFor(chosen)
      await put(link, chosen)
      form.elements.upload_id.value = link.upload_id
      form.submit()
    } catch (error) {
      say(error.message)
      button.disabled = false
      bar.hidden = true
    }
  })
  // A file may have been chosen before this script was there.
  choose(input.files[0])
  button.disabled = false
}
`
