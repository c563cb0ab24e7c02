/* test/model: a move in words, for the narrative of a counterexample. */
#include "model.h"

#include <stdio.h>
#include <string.h>

typedef struct sentence {
    char *text;
    size_t size;
    size_t length;
} sentence;

static void put(sentence *line, const char *words)
{
    size_t length = strlen(words);

    if (length >= line->size - line->length) length = line->size - line->length - 1;
    memcpy(line->text + line->length, words, length);
    line->length += length;
    line->text[line->length] = '\0';
}

static void put_number(sentence *line, const char *before, int number)
{
    char digits[16];

    put(line, before);
    snprintf(digits, sizeof digits, "%d", number);
    put(line, digits);
}

static void put_time(sentence *line, const char *before, int time)
{
    if (time != MODEL_NEVER) put_number(line, before, time);
}

static void tell_look(sentence *line, const model_state *before)
{
    const model_log *log = &before->log;

    put_number(line, "looks: the run is at epoch ", log->epoch);
    if (!log->held)
        put(line, " and due");
    else if (log->lease_end <= before->clock)
        put_number(line, ", its lease ended at ", log->lease_end);
    else
        put(line, log->held == MODEL_GONE ? ", its owner is dead" : ", under my own mark");
}

static void tell_claim(sentence *line, const model_move *move)
{
    if (move->verdict != MODEL_OK) {
        put(line, "claims: refused");
        return;
    }
    put_number(line, "claims: epoch ", move->after.log.epoch);
    put_number(line, ", lease until ", move->after.log.lease_end);
}

static void tell_load(sentence *line, const model_owner *after)
{
    put_number(line, "replays; next is position ", after->position + 1);
}

static void tell_ask(sentence *line, const model_owner *after)
{
    put(line, "looks for a signal: ");
    if (after->doing == MODEL_TAKES)
        put_number(line, "there is signal ", after->signal + 1);
    else
        put(line, after->refused ? "one, too late by its time" : "none");
    if (after->doing == MODEL_TIMES_OUT) put(line, ", and the deadline has come");
    put_time(line, "; deadline ", after->time);
}

static void tell_written(sentence *line, const char *what, const model_move *move, int position)
{
    put(line, what);
    if (position) put_number(line, " at position ", position);
    if (move->verdict == MODEL_REFUSED) put(line, ": the claim is lost, nothing is changed");
    if (move->verdict == MODEL_CORRUPT) put(line, ": refused, the log is damaged");
}

static void tell_owner(sentence *line, const model_state *before, const model_move *move)
{
    const model_owner *was = &before->owners[move->owner];
    const model_owner *is = &move->after.owners[move->owner];
    int position = was->position + 1;

    switch (move->action) {
    case MODEL_DOES_LOOK: tell_look(line, before); break;
    case MODEL_DOES_CLAIM: tell_claim(line, move); break;
    case MODEL_DOES_LOAD: tell_load(line, is); break;
    case MODEL_DOES_RECORD: tell_written(line, "records the outcome", move, position); break;
    case MODEL_DOES_ASK: tell_ask(line, is); break;
    case MODEL_DOES_TAKE:
        tell_written(line, "takes the signal and records it", move, position);
        break;
    case MODEL_DOES_CONSUME: tell_written(line, "removes the signal", move, 0); break;
    case MODEL_DOES_TIME_OUT: tell_written(line, "records the timeout", move, position); break;
    case MODEL_DOES_SUSPEND:
        tell_written(line, "suspends the run", move, 0);
        if (move->verdict == MODEL_OK) put_time(line, ", due at ", move->after.log.due);
        break;
    case MODEL_DOES_GIVE_UP: tell_written(line, "gives the run back", move, 0); break;
    case MODEL_DOES_END: tell_written(line, "ends the run", move, 0); break;
    case MODEL_DOES_CRASH: put(line, "crashes, and another process takes its place"); break;
    default: break;
    }
    if (move->answer_lost) put(line, "; the answer is lost");
}

static void tell_send(sentence *line, const model_state *before, const model_move *move)
{
    int signal = 0;

    while (before->log.signals[signal].state != MODEL_UNSENT) signal++;
    put_number(line, "signal ", signal + 1);
    put(line, " is sent");
    if (move->after.log.due != before->log.due) put_time(line, ", due at ", move->after.log.due);
}

static void tell_world(sentence *line, const model_state *before, const model_move *move)
{
    switch (move->action) {
    case MODEL_TICK: put_number(line, "the clock goes on to ", move->after.clock); break;
    case MODEL_JUMP: put(line, "the clock jumps back to 0"); break;
    case MODEL_SEND: tell_send(line, before, move); break;
    case MODEL_BACK_UP: put_number(line, "a backup is made, of epoch ", before->log.epoch); break;
    case MODEL_RESTORE:
        put_number(line, "the backup is restored: epoch ", move->after.log.epoch);
        put_number(line, " instead of ", before->log.epoch);
        break;
    default: break;
    }
}

void model_tell(const model_state *before, const model_move *move, char *text, size_t size)
{
    static const char *const names[] = {"Ann   ", "Bob   ", "Cid   "};
    sentence line = {text, size, 0};

    text[0] = '\0';
    put_number(&line, "", before->clock);
    put(&line, "  ");
    put(&line, move->owner < 0 ? "      " : names[move->owner]);
    if (move->owner < 0)
        tell_world(&line, before, move);
    else
        tell_owner(&line, before, move);
}

const char *model_action_name(model_action action)
{
    static const char *const names[MODEL_ACTIONS] = {
        "look", "claim",   "load", "record", "ask",  "take", "consume", "time out", "suspend",
        "give up", "end", "crash",  "tick", "jump", "send",    "back up",  "restore"};

    return names[action];
}
