/** The page on which a person approves a device: it takes the code and a key, and asks the API itself. The key stays in the page. */
export const devicePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Approve a device</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem }
  label { display: block; margin: 1rem 0 }
  input { font: inherit; width: 100%; padding: .5rem; box-sizing: border-box }
  button { font: inherit; padding: .5rem 1.5rem }
  p[role=status] { min-height: 1.5rem; font-weight: 600 }
</style>
</head>
<body>
<h1>Approve a device</h1>
<p>A device that you approve gets a key of your account and spends your credit. Approve only what you have started yourself.</p>
<form>
  <label>Code that the device shows <input name="userCode" autocomplete="off" required minlength="4" maxlength="32"></label>
  <label>Your API key <input name="apiKey" type="password" autocomplete="off" required></label>
  <button>Approve</button>
</form>
<p role="status"></p>
<script>
  const form = document.querySelector('form')
  const status = document.querySelector('[role=status]')
  form.userCode.value = new URLSearchParams(location.search).get('userCode') ?? ''
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    status.textContent = 'One moment …'
    try {
      const answer = await fetch('api/v1/device/link/approve', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer ' + form.apiKey.value.trim() },
        body: JSON.stringify({ userCode: form.userCode.value }),
      })
      const body = await answer.json()
      status.textContent = answer.ok ? 'Approved. The device goes on by itself.' : body.detail
      if (answer.ok) form.apiKey.value = ''
    } catch {
      status.textContent = 'The API cannot be reached. Try again.'
    }
  })
</script>
</body>
</html>
`
