// An agent's desktop. The server sends what there is to see (`changes`), this draws it, and sends what the agent does.
// Whatever somebody wrote is put into the page as text, never as markup.

const things = {agent: new Map(), window: new Map(), preview: new Map(), message: new Map()};
const asked = new Map(); // what was asked and is not answered yet, by number
const SILENCE = 12_000; // milliseconds without a word from the server: the connection is gone
const SHORT = 10; // seconds left, of which a screen reader is told
let socket, heard, retry, fresh, back, number = 0, named = 0, ahead = 0, wait = 250, settled = false;

const $ = (selector, root = document) => root.querySelector(selector);
const make = id => $(`template#${id}`).content.firstElementChild.cloneNode(true);
const plain = text => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, ""); // whose words in a sentence turn the rest of it
const calm = text => text.replace(/(\p{M}{30})\p{M}+/gu, "$1…"); // thousands of accents on one letter keep a browser busy
/** Put text into an element; what may be written from right to left stands in a bdi, the rest are sentences of ours. */
function write(element, text) {
  const wanted = calm(element.matches("bdi") ? text : plain(text));
  if (element.textContent !== wanted) element.textContent = wanted;
}
const tell = (element, text) => { write(element, text); element.hidden = !text; };
const words = notices => notices.map(notice => notice.text).join(" ");
const name = element => element.id ||= `e${++named}`; // for what it labels or describes
const time = at => new Date(at).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});

/** Have a screen reader say something, without moving the focus. */
function say(text) {
  const line = document.createElement("span");
  line.textContent = `${text} `;
  $("#said").append(line);
  setTimeout(() => line.remove(), 5_000);
}

// the connection

function connect() {
  clearTimeout(retry);
  const query = new URLSearchParams({focus: settings().focus, answering: settings().answering});
  const mine = socket = new WebSocket(`${location.href.replace(/^http/, "ws").replace(/[?#].*/, "")}/socket?${query}`);
  fresh = true;
  heard = Date.now();
  mine.onmessage = event => mine === socket && hear(JSON.parse(event.data));
  mine.onclose = () => mine === socket && lost();
}

function forget() {
  socket = null;
  for (const {reject} of asked.values()) reject(new Error("The connection was lost. Look whether it was done."));
  asked.clear();
}

function lost() {
  forget();
  tell($("#connection"), "Not connected. What you see may be old. Trying again.");
  retry = setTimeout(connect, wait);
  wait = Math.min(2 * wait, 4_000);
}

function hear(message) {
  heard = Date.now();
  if ("answer" in message) {
    const waiting = asked.get(message.answer);
    asked.delete(message.answer);
    if (message.refused) waiting?.reject(new Error(words(message.refused)));
    else waiting?.resolve(message.result);
    return;
  }
  ahead = new Date(message.now) - heard;
  if (fresh) begin(message.changes);
  for (const [kind, id, look] of message.changes) look ? things[kind].set(id, look) : things[kind].delete(id);
  draw(message.changes);
}

/** The first message of a connection says all that there is: whatever else is on the screen is gone. */
function begin(changes) {
  fresh = false;
  wait = 250;
  if (!$("#connection").hidden) say("Connected again.");
  tell($("#connection"), "");
  const there = new Set(changes.map(([kind, id]) => `${kind} ${id}`));
  for (const [kind, known] of Object.entries(things))
    for (const id of known.keys()) if (!there.has(`${kind} ${id}`)) changes.push([kind, id, null]);
}

/** Ask the server for something; resolves to its result, or tells in `place` why not, or at the top if that is gone. */
async function ask(what, place = $("#refusal")) {
  try {
    if (socket?.readyState !== WebSocket.OPEN) throw new Error("There was no connection. Nothing was done.");
    if (what.do !== "search") tell(place, ""); // what is found again takes the place of what was, unheard if it is the same
    const n = ++number;
    socket.send(JSON.stringify({n, ...what}));
    return await new Promise((resolve, reject) => asked.set(n, {resolve, reject}));
  } catch (error) {
    if (place.isConnected) tell(place, error.message);
    else tell($("#refusal"), `${$(".contact", place.closest(".window")).textContent}: ${error.message}`);
    throw error;
  }
}

/** What an element does: asks, once for a double click too, and leaves a refusal where `ask` has told it. */
function does(element, kind, act) {
  let busy = false;
  element.addEventListener(kind, async event => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    await Promise.resolve(act(event)).catch(error => console.info(error.message));
    busy = false;
  });
}

window.addEventListener("online", () => socket || connect());
setInterval(() => socket && Date.now() - heard > SILENCE && (socket.close(), lost()), 1_000);

// drawing: one element for each thing, kept as long as the thing is there, so that nothing typed or focused is lost

/** Make the children of `list` those of `wanted`, in this order. */
function keep(list, wanted, build, update) {
  const old = new Map([...list.children].map(element => [element.dataset.id, element]));
  let before = list.firstElementChild;
  for (const [id, thing] of wanted) {
    let element = old.get(id);
    old.delete(id);
    while (before && old.get(before.dataset.id) === before && !wanted.has(before.dataset.id)) before = before.nextElementSibling;
    if (!element) {
      element = build(thing);
      element.dataset.id = id;
    }
    if (element === before) before = before.nextElementSibling;
    else list.insertBefore(element, before);
    update(element, thing);
  }
  for (const element of old.values()) remove(element, list);
}

/** Take something away; a focus inside it goes back to where it was before an invitation, or to what comes nearest. */
function remove(element, list) {
  const focused = element.contains(document.activeElement);
  element.remove();
  if (!focused) return;
  if (element.matches(".offer") && back?.checkVisibility()) back.focus();
  else list.closest("section").focus();
}

addEventListener("focusin", ({target}) => { if (!target.closest("#offers, .skip")) back = target; });

function draw(changes) {
  const of = kind => changes.filter(change => change[0] === kind).map(change => change[1]);
  const opened = of("window").filter(id => things.window.has(id) && !shown("windows", id));
  const closed = of("window").filter(id => !things.window.has(id) && shown("windows", id));
  const offered = of("preview").filter(id => things.preview.has(id) && !shown("offers", id));
  const told = of("message").filter(id => things.message.has(id) && !shown("messages", id));
  const over = of("preview").map(id => !things.preview.has(id) && shown("offers", id)).filter(Boolean);
  const answering = $("#offers").contains(document.activeElement);
  for (const id of closed) {
    say(`The conversation with ${$(".contact", shown("windows", id)).textContent} is not yours any more.`);
    sessionStorage.removeItem(draft(id));
  }
  for (const element of over) if (!element.dataset.answered) say(`The invitation from ${$(".from", element).textContent} is over.`);
  for (const agent of things.agent.values()) drawAgent(agent);
  drawAll("windows", things.window, buildWindow, drawWindow);
  drawAll("offers", things.preview, buildOffer, drawOffer);
  const latest = [...things.message].sort(([, one], [, other]) => other.at.localeCompare(one.at));
  drawAll("messages", new Map(latest), buildMessage, drawMessage);
  const unread = latest.filter(([, message]) => !message.read).length;
  write($("#unread"), unread ? `${unread} unread` : "");
  for (const id of offered) announce(things.preview.get(id), shown("offers", id));
  if (settled) for (const id of opened) welcome(shown("windows", id), answering);
  if (settled) for (const id of told) tidings(things.message.get(id));
  settled = true;
  count();
}

const shown = (section, id) => [...$(`#${section} > .list`).children].find(element => element.dataset.id === id);

function drawAll(section, wanted, build, update) {
  keep($(`#${section} > .list`), wanted, build, update);
  $(`#${section} > .none`).hidden = wanted.size > 0;
}

function announce(preview, element) {
  if (preview.focus) element.focus();
  else say(`${preview.text} ${left(preview.deadline)} seconds to answer.`);
}

/** A new entry, unless the error at the top of a window has just said the same. */
function tidings({read, notice, interaction_id: interaction}) {
  if (!read && things.window.get(interaction)?.error?.text !== notice.text) say(`New in My Messages: ${notice.text}`);
}

function welcome(element, focus) {
  if (focus) $("h3", element).focus();
  say(`The conversation with ${$(".contact", element).textContent} is yours.`);
}

// the agent

const STATUS = {logged_out: "Logged out", not_ready: "Not Ready", ready: "Ready"};

function drawAgent(agent) {
  write($("#me"), agent.name);
  document.title = `${agent.name} – SMS desktop`;
  const reason = agent.reason && ` (${agent.reason})`;
  write($("#status"), `${STATUS[agent.status]}${reason}${agent.do_not_disturb ? ", do not disturb" : ""}`);
  const form = $("#channel");
  write($("[data-do=presence]", form), agent.status === "logged_out" ? "Log in" : "Log out");
  for (const status of ["ready", "not_ready"]) $(`[data-do=${status}]`, form).setAttribute("aria-pressed", agent.status === status);
  form.do_not_disturb.checked = agent.do_not_disturb;
}

const isOut = () => [...things.agent.values()].some(agent => agent.status === "logged_out");
const channel = {
  presence: () => ask({do: isOut() ? "log_in" : "log_out"}),
  ready: async () => { if (isOut()) await ask({do: "log_in"}); await ask({do: "ready"}); },
  not_ready: async () => {
    if (isOut()) await ask({do: "log_in"});
    await ask({do: "not_ready", reason: $("#channel").reason.value});
  },
};
for (const button of document.querySelectorAll("[data-do]")) does(button, "click", () => channel[button.dataset.do]());
does($("#channel"), "submit", () => channel.not_ready());
$("#channel").do_not_disturb.addEventListener("change", event => {
  const on = event.target.checked;
  ask({do: "do_not_disturb", on}).catch(() => { event.target.checked = !on; });
});

function settings() {
  const form = $("#settings");
  return {focus: form.focus.checked, answering: form.answering.value};
}

const place = `settings of ${location.pathname}`;
const kept = JSON.parse(localStorage.getItem(place) ?? "{}");
$("#settings").focus.checked = kept.focus ?? false;
$("#settings").answering.value = kept.answering ?? "manual";
$("#settings").addEventListener("change", () => {
  localStorage.setItem(place, JSON.stringify(settings()));
  const old = socket;
  if (!old) return; // the next connection has them
  forget();
  connect();
  old.close();
});

// invitations

function buildOffer(preview) {
  const element = make("offer"), id = preview.invitation_id;
  const title = $("h3", element), why = $(".why", element), form = $("form", element);
  element.setAttribute("aria-labelledby", name(title));
  element.setAttribute("aria-describedby", name(why));
  const answer = what => { element.dataset.answered = "by me"; return ask({invitation: id, ...what}); };
  does($(".accept", element), "click", () => answer({do: "accept"}));
  does(form, "submit", () => answer({do: "reject", reason: form.reason.value}));
  return element;
}

const KIND = {agent: "agent", queue: "queue", routing_point: "routing point", agent_group: "agent group", skill: "skill"};

function drawOffer(element, preview) {
  write($(".from", element), preview.from_agent);
  write($(".why", element), preview.text);
  const through = preview.target.kind === "agent" ? {} : {Through: `${preview.to} (${KIND[preview.target.kind]})`};
  const facts = {Media: preview.media.toUpperCase(), Contact: contact(preview.contact), ...through, Offered: time(preview.waiting_since)};
  drawData($(".data", element), [...Object.entries(facts), ...Object.entries(preview.case_data)]);
  $(".rejecting", element).hidden = !preview.can_reject;
  $(".left", element).dataset.deadline = preview.deadline;
  $(".left", element).dataset.since = preview.waiting_since;
}

const contact = ({name, address}) => name || address;

function drawData(list, data) {
  const wanted = JSON.stringify(data);
  if (list.dataset.data === wanted) return;
  list.dataset.data = wanted;
  list.replaceChildren(...data.flatMap(([key, value]) => {
    const [term, description] = ["dt", "dd"].map(name => document.createElement(name));
    for (const [element, text] of [[term, key], [description, String(value)]]) {
      element.append(document.createElement("bdi"));
      write(element.firstChild, text);
    }
    return [term, description];
  }));
}

// conversations

const draft = id => `draft ${location.pathname} ${id}`; // a reply that is half written outlives a reload of the page

function buildWindow(window) {
  const element = make("window"), id = window.interaction.id, refusal = $(".refusal", element);
  const now = () => ({interaction: id, epoch: things.window.get(id)?.interaction.epoch ?? -1});
  const title = $("h3", element), [reply, , datum, note] = element.querySelectorAll("form");
  element.setAttribute("aria-labelledby", name(title));
  element.setAttribute("aria-describedby", `${name($(".error", element))} ${name(refusal)}`);
  reply.text.value = sessionStorage.getItem(draft(id)) ?? "";
  reply.addEventListener("input", () => sessionStorage.setItem(draft(id), reply.text.value));
  does(reply, "submit", () => {
    const text = reply.text.value;
    reply.text.value = ""; // for the next one, which need not wait for the answer
    ask({do: "reply", ...now(), text}, refusal)
      .catch(() => { reply.text.value = text + reply.text.value; })
      .then(() => element.isConnected && sessionStorage.setItem(draft(id), reply.text.value));
  });
  does(datum, "submit", async () => {
    await ask({do: "set_case_data", ...now(), key: datum.key.value, value: datum.value.value}, refusal);
    datum.reset();
  });
  does(note, "submit", () => ask({do: "set_note", ...now(), note: note.note.value}, refusal));
  does($(".done", element), "click", () => ask({do: "mark_done", ...now()}, refusal));
  does($(".cancel", element), "click", () => ask({do: "cancel", transfer: things.window.get(id).pending.transfer_id}, refusal));
  does($(".transfer", element), "click", () => communicate(element, $(".communicator", element).hidden));
  buildCommunicator(element, now);
  return element;
}

function drawWindow(element, window) {
  const {interaction, pending} = window, note = $(".note", element).note;
  write($(".contact", element), contact(interaction.contact));
  write($(".address", element), interaction.contact.address);
  write($(".media", element), interaction.media.toUpperCase());
  tell($(".error", element), window.error?.text ?? "");
  const waiting = $(".pending", element), transfer = $(".transfer", element), cancel = $(".cancel", element);
  const focused = document.activeElement;
  if (pending && waiting.hidden && settled) say(`Transfer to ${pending.to} is pending.`);
  waiting.hidden = !pending;
  write($(".to", element), pending?.to ?? "");
  $(".left", waiting).dataset.deadline = pending?.deadline ?? "";
  transfer.hidden = !window.can_transfer || Boolean(pending);
  if (transfer.hidden) communicate(element, false);
  if (focused === transfer && transfer.hidden) (pending ? cancel : $("h3", element)).focus();
  if (focused === cancel && waiting.hidden) (transfer.hidden ? $("h3", element) : transfer).focus();
  drawData($(".data", element), Object.entries(interaction.case_data));
  if (note.value === note.defaultValue) note.value = interaction.note; // or the agent is writing one
  note.defaultValue = interaction.note;
  drawTexts($(".texts", element), window);
}

function drawTexts(list, {transcript, interaction, can_save_attachments: canSave}) {
  const scroll = list.parentElement, reading = scroll.scrollTop + scroll.clientHeight < scroll.scrollHeight - 8;
  const had = new Set([...list.children].map(item => item.dataset.id)); // all of it comes again after a lost connection
  const news = transcript.filter(text => !had.has(text.id));
  for (const text of news) {
    const item = make("text"), inbound = text.direction === "inbound";
    item.dataset.id = text.id;
    item.className = inbound ? "theirs" : "mine";
    write($(".sender", item), inbound ? contact(interaction.contact) : things.agent.has(text.sender) ? "You" : text.from);
    write($("time", item), time(text.at));
    write($(".text", item), text.text);
    item.append(...text.attachments.map(one => buildPicture(one, interaction.id, canSave)));
    list.append(item);
  }
  if (news.length && !(reading && news.at(-1).direction === "inbound")) scroll.scrollTop = scroll.scrollHeight;
}

/** Whether this is an address of ours: what a stranger has a picture's address be is neither fetched nor followed. */
const isOurs = url => url && URL.canParse(url, location) && new URL(url, location).href.startsWith(`${location.origin}/`);

function buildPicture(attachment, interaction, canSave) {
  const figure = make("picture"), ours = isOurs(attachment.url);
  Object.assign($("img", figure), {src: ours ? attachment.url : "", alt: `Picture ${attachment.name}`});
  if (ours) $("a", figure).href = attachment.url;
  $(".save", figure).hidden = !canSave || !ours;
  does($(".save", figure), "click", async () => {
    const element = figure.closest(".window"), {epoch} = things.window.get(interaction).interaction;
    const saved = await ask({do: "save_attachment", interaction, epoch, attachment: attachment.id}, $(".refusal", element));
    Object.assign(document.createElement("a"), {href: saved.url, download: saved.name}).click();
  });
  return figure;
}

// the team communicator

function communicate(element, open) {
  const communicator = $(".communicator", element);
  if (communicator.hidden === !open) return;
  const focused = communicator.contains(document.activeElement);
  communicator.hidden = !open;
  $(".transfer", element).setAttribute("aria-expanded", open);
  if (open) $("input", communicator).focus();
  else if (focused) $($(".transfer", element).hidden ? ".cancel" : ".transfer", element).focus();
  if (!open) $(".list", communicator).replaceChildren(); // the next time it begins anew, with no menu open
  communicator.dispatchEvent(new Event(open ? "search" : "reset"));
}

function buildCommunicator(element, now) {
  const communicator = $(".communicator", element), form = $("form", communicator), refusal = $(".refusal", element);
  const keys = new Map(); // a click that is repeated makes one request, until there is something new to see
  let last = 0, timer;
  const search = async () => {
    clearTimeout(timer);
    if (communicator.hidden) return;
    const mine = ++last, {text, view, kind} = form;
    timer = setTimeout(search, 2_000); // presence changes all the time
    const {interaction} = now();
    const found = await ask({do: "search", interaction, text: text.value, view: view.value, kind: kind.value}, $(".total", communicator));
    if (mine === last) drawFound(communicator, found);
  };
  const wanted = new Set(["text", "view", "kind"]);
  form.addEventListener("input", event => {
    if (wanted.has(event.target.name)) { clearTimeout(timer); timer = setTimeout(() => search().catch(() => {}), 120); }
  });
  does(form, "submit", search);
  does(communicator, "search", search);
  communicator.addEventListener("keydown", event => event.key === "Escape" && communicate(element, false));
  $(".list", communicator).addEventListener("click", event => {
    const item = event.target.closest(".communicator > .list > li"), button = event.target.closest("button");
    if (!button || button.ariaDisabled === "true") return;
    const target = JSON.parse(item.dataset.id);
    const pick = async () => {
      if (button.matches(".favourite")) {
        await ask({do: button.ariaPressed === "true" ? "remove_favourite" : "add_favourite", target}, refusal);
        return search();
      }
      const seen = `${item.dataset.id} ${things.window.get(now().interaction)?.interaction.version}`;
      if (!keys.has(seen)) keys.set(seen, crypto.randomUUID());
      await ask({do: "transfer", ...now(), target, note: form.note.value, key: keys.get(seen)}, refusal);
      keys.clear();
      form.reset();
      communicate(element, false);
    };
    pick().catch(error => console.info(error.message));
  });
}

function drawFound(communicator, found) {
  const many = found.total === 1 ? "1 target" : `${found.total} targets`;
  tell($(".total", communicator), found.total > found.targets.length ? `The first ${found.targets.length} of ${many}` : many);
  const wanted = new Map(found.targets.map(one => [JSON.stringify({kind: one.target.kind, id: one.target.id}), one]));
  keep($(".list", communicator), wanted, () => make("target"), drawTarget);
}

function drawTarget(element, found) {
  write($(".name", element), found.name);
  write($(".presence", element), `${KIND[found.target.kind]}, ${presence(found)}`);
  const favourite = $(".favourite", element);
  favourite.ariaPressed = found.favourite;
  favourite.ariaLabel = `Favourite ${found.name}`;
  $("summary", element).ariaLabel = `Actions for ${found.name}`;
  keep($(".actions", element), new Map(found.actions.map(action => [action.code, action])), () => make("action"), (item, action) => {
    const button = $("button", item);
    write(button, action.label);
    button.ariaLabel = `${action.label} to ${found.name}`;
    button.ariaDisabled = action.reasons.length > 0; // and still where a keyboard comes by, with the reasons
    button.setAttribute("aria-describedby", name($(".why", item)));
    write($(".why", item), words(action.reasons));
  });
  $(".menu", element).hidden = !found.actions.length;
}

function presence({presence: now, recent}) {
  const said = now.status === null
    ? [`${now.ready} ready`, `${now.waiting} waiting`]
    : [STATUS[now.status] + (now.reason && ` (${now.reason})`), now.do_not_disturb && "do not disturb", `${now.free} free`];
  return [...said, recent && "recent"].filter(Boolean).join(", ");
}

// My Messages

function buildMessage(message) {
  const element = make("message"), id = message.id;
  does($(".read", element), "click", () => ask({do: "mark_read", message: id, read: !things.message.get(id).read}));
  does($(".delete", element), "click", () => ask({do: "delete_message", message: id}));
  return element;
}

function drawMessage(element, message) {
  element.className = message.read ? "read" : "unread";
  write($(".text", element), `${message.read ? "" : "Unread: "}${message.notice.text}`);
  write($("time", element), time(message.at));
  write($(".read", element), message.read ? "Mark as unread" : "Mark as read");
}

// countdowns: seen every second, heard once, when time runs short

const left = deadline => Math.max(0, Math.ceil((new Date(deadline) - Date.now() - ahead) / 1_000));

function count() {
  for (const line of document.querySelectorAll("[data-deadline]")) {
    const seconds = line.dataset.deadline ? left(line.dataset.deadline) : 0;
    const waited = line.dataset.since ? `, offered ${Math.max(0, Math.round((Date.now() + ahead - new Date(line.dataset.since)) / 1_000))} s ago` : "";
    write(line, `${seconds} s left${waited}.`);
    const offer = line.closest(".offer");
    if (offer && seconds <= SHORT && seconds && !offer.dataset.short) {
      offer.dataset.short = "said";
      say(`${seconds} seconds left to answer ${$(".from", offer).textContent}.`);
    }
  }
}

setInterval(count, 1_000);
connect();
